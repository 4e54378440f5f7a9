import GRDB

/// The tables of the history. Times are nanoseconds, minutes are minutes, both since 1970-01-01 UTC in packet time.
///
/// A finding belongs to the run that found it; its counts by minute make the count of any stretch of time.
enum HistorySchema {
    /// "gwsn", so that another program's database is not taken for a history.
    static let applicationID = 0x6777_736e

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: findings and minutes") { database in
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: tables)
        }
        return migrator
    }

    private static let tables = """
        CREATE TABLE run (
            id INTEGER PRIMARY KEY,
            started INTEGER NOT NULL,
            version TEXT NOT NULL,
            source TEXT NOT NULL
        );
        CREATE TABLE finding (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            cause TEXT NOT NULL,
            severity TEXT NOT NULL,
            upstream TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            body BLOB NOT NULL,
            UNIQUE (run, cause, severity, upstream)
        );
        CREATE INDEX finding_last ON finding (last);
        CREATE TABLE occurrence (
            id INTEGER PRIMARY KEY,
            finding INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE,
            time INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX occurrence_finding ON occurrence (finding, time);
        CREATE INDEX occurrence_time ON occurrence (time);
        CREATE TABLE finding_minute (
            finding INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE,
            minute INTEGER NOT NULL,
            weight INTEGER NOT NULL,
            PRIMARY KEY (finding, minute)
        ) WITHOUT ROWID;
        CREATE INDEX finding_minute_minute ON finding_minute (minute);
        CREATE TABLE minute (
            minute INTEGER PRIMARY KEY,
            requests INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            packets INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            dropped INTEGER NOT NULL
        );
        CREATE TABLE upstream_minute (
            minute INTEGER NOT NULL,
            upstream TEXT NOT NULL,
            connections INTEGER NOT NULL,
            exchanges INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            resets INTEGER NOT NULL,
            retransmissions INTEGER NOT NULL,
            connect_buckets TEXT NOT NULL,
            connect_total INTEGER NOT NULL,
            first_byte_buckets TEXT NOT NULL,
            first_byte_total INTEGER NOT NULL,
            PRIMARY KEY (minute, upstream)
        ) WITHOUT ROWID;
        """
}
