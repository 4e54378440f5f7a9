package import Model

/// What a savefile says of an interface before its first packet.
package struct InterfaceDescription: Sendable, Hashable {
    package var name: String?
    package var linkType: LinkType
    /// 0 where it is not known.
    package var snapLength: Int

    package init(name: String?, linkType: LinkType, snapLength: Int) {
        self.name = name
        self.linkType = linkType
        self.snapLength = snapLength
    }
}
