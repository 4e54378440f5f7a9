/// The version that reports, `--version` and the manual page carry.
package let gwsniffVersion = "0.1.0"
