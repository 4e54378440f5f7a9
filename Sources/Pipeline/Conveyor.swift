import Capture
import Dispatch
import Dissection
import Model
import Synchronization

/// A thread that reads the input and hands its packets in parcels to others, all parcels to each of them.
///
/// The bytes are not copied: a parcel holds the blocks that they were read into. A few parcels are on their way at once; whoever is slow holds up
/// the others.
final class Conveyor {
    private let belt: Belt
    /// One for each that takes packets.
    let seats: [Seat]

    /// - Parameters:
    ///   - frames: of a stretch.
    ///   - seats: 1 or more.
    ///   - shouldStop: asked at the end of each stretch; true makes it the last one.
    init(
        _ input: CaptureInput,
        _ request: AnalysisRequest,
        _ purpose: ReadingPurpose,
        frames: Int,
        seats count: Int = 1,
        shouldStop: @escaping @Sendable () -> Bool = { false }
    ) {
        let belt = Belt(seats: count)
        self.belt = belt
        seats = (0..<count).map { Seat(belt, $0) }
        let loader = Loader(belt, input, Reading(input, request, purpose), purpose, frames, shouldStop)
        DispatchQueue(label: "gwsniff.reader").async { loader.run() }
    }

    deinit {
        belt.end()
    }

    /// Where one thread takes packets.
    final class Seat: PacketSupply, @unchecked Sendable {
        private let belt: Belt
        private let number: Int
        private var position = 0

        fileprivate init(_ belt: Belt, _ number: Int) {
            self.belt = belt
            self.number = number
        }

        func next(
            needsAttention: () -> Bool,
            one: (PacketRecord, RawSpan) -> Void,
            many: (PacketBatch, PacketSelection, RawSpan) -> Void
        ) throws(CaptureError) -> Stretch {
            while true {
                belt.waiting[number].wait()
                let parcel = belt.parcels[position % belt.parcels.count]
                position &+= 1
                parcel.unpack(one: one, many: many)
                let end = parcel.end
                belt.giveBack(parcel)
                if let end { return try end.get() }
            }
        }
    }
}

/// The parcels between the reader and those that take them.
private final class Belt: @unchecked Sendable {
    let parcels: [Parcel]
    /// Of each seat: parcels that it has not taken.
    let waiting: [DispatchSemaphore]
    /// Parcels that all have given back. All semaphores begin at zero, because one that is let go below its beginning traps.
    private let free = DispatchSemaphore(value: 0)
    private let isOver = Atomic<Bool>(false)
    /// Reader's: of the parcel that it fills.
    private var position = 0
    private static let length = 6

    init(seats: Int) {
        parcels = (0..<Self.length).map { _ in Parcel() }
        waiting = (0..<seats).map { _ in DispatchSemaphore(value: 0) }
        for _ in parcels { free.signal() }
    }

    /// The next parcel to fill, empty; nil where nobody wants it.
    func take() -> Parcel? {
        free.wait()
        return isOver.load(ordering: .acquiring) ? nil : parcels[position % parcels.count]
    }

    func send(_ parcel: Parcel) {
        parcel.seats.store(waiting.count, ordering: .releasing)
        position &+= 1
        for semaphore in waiting { semaphore.signal() }
    }

    func giveBack(_ parcel: Parcel) {
        guard parcel.seats.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        parcel.clear()
        free.signal()
    }

    func end() {
        isOver.store(true, ordering: .releasing)
        free.signal()
    }
}

/// Packets that follow each other, and what holds their bytes.
private final class Parcel: @unchecked Sendable {
    private struct Batch {
        let packets = PacketBatch(linkType: .ethernet)
        let heads = SieveHeads()
        var selection = PacketSelection()
        var window = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private enum Item {
        case batch(Int)
        case one(PacketRecord, UnsafeRawBufferPointer)
    }

    /// Seats that have not given it back.
    let seats = Atomic<Int>(0)
    /// Set where a stretch ends with it.
    var end: Result<Stretch, CaptureError>?
    private var items: [Item] = []
    /// Kept for their memory; the first `used` ones belong to the parcel.
    private var batches: [Batch] = []
    private var used = 0
    private var blocks: [InputBlock] = []
    private static let largestItemCount = 64
    private static let largestBlockCount = 4

    var isFull: Bool { items.count >= Self.largestItemCount || blocks.count >= Self.largestBlockCount }

    func append(_ record: PacketRecord, _ bytes: RawSpan, _ block: InputBlock?) {
        hold(block)
        items.append(.one(record, bytes.withUnsafeBytes { $0 }))
    }

    func append(_ batch: PacketBatch, _ window: RawSpan, _ block: InputBlock?, _ purpose: ReadingPurpose) {
        if used == batches.count { batches.append(Batch()) }
        guard let selection = purpose.selection(batch, window, batches[used].heads) else { return }
        hold(block)
        batches[used].packets.copy(batch)
        batches[used].window = window.withUnsafeBytes { $0 }
        batches[used].selection = selection
        items.append(.batch(used))
        used += 1
    }

    private func hold(_ block: InputBlock?) {
        guard let block, blocks.last !== block else { return }
        blocks.append(block)
    }

    func unpack(one: (PacketRecord, RawSpan) -> Void, many: (PacketBatch, PacketSelection, RawSpan) -> Void) {
        for item in items {
            switch item {
            case .one(let record, let bytes): one(record, bytes.bytes)
            case .batch(let index):
                let batch = batches[index]
                many(batch.packets, batch.selection, batch.window.bytes)
            }
        }
    }

    func clear() {
        items.removeAll(keepingCapacity: true)
        blocks.removeAll(keepingCapacity: true)
        used = 0
        end = nil
    }
}

/// Fills the parcels, on a thread of its own.
private final class Loader: @unchecked Sendable {
    private let belt: Belt
    private let input: CaptureInput
    private var reading: Reading
    private let purpose: ReadingPurpose
    private let frames: Int
    private let shouldStop: @Sendable () -> Bool
    private var parcel: Parcel?

    init(
        _ belt: Belt,
        _ input: CaptureInput,
        _ reading: Reading,
        _ purpose: ReadingPurpose,
        _ frames: Int,
        _ shouldStop: @escaping @Sendable () -> Bool
    ) {
        self.belt = belt
        self.input = input
        self.reading = reading
        self.purpose = purpose
        self.frames = frames
        self.shouldStop = shouldStop
    }

    func run() {
        parcel = belt.take()
        var last = frames
        while parcel != nil {
            let end = stretch(through: last)
            last = frames > Int.max - last ? .max : last + frames
            parcel?.end = end
            send()
            guard case .success(let stretch) = end, stretch.pause != .over else { return }
        }
    }

    private func stretch(through last: Int) -> Result<Stretch, CaptureError> {
        do throws(CaptureError) {
            let pause = try reading.run(
                through: last,
                one: { record, bytes in
                    parcel?.append(record, bytes, input.block)
                    sendIfFull()
                },
                many: { batch, window in
                    parcel?.append(batch, window, input.block, purpose)
                    sendIfFull()
                }
            )
            let isLast = parcel == nil || shouldStop()
            return .success(Stretch(pause: isLast ? .over : pause, statistics: reading.progress))
        } catch {
            return .failure(error)
        }
    }

    private func sendIfFull() {
        if parcel?.isFull == true { send() }
    }

    private func send() {
        if let parcel { belt.send(parcel) }
        parcel = belt.take()
    }
}
