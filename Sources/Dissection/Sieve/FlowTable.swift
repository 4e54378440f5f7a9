import Model

/// Open connections and the names of those that are over, by their endpoints: open addressing, 32 bytes a name.
struct FlowTable {
    private struct Slot: BitwiseCopyable {
        var lowWord: UInt64 = 0
        var highWord: UInt64 = 0
        /// 0 free, `gone`, else one more than the index of its state.
        var state: UInt32 = 0
        /// Of the end that stands first in the key, and of the other; 0 where unknown.
        var lowBase: UInt32 = 0
        var highBase: UInt32 = 0
        /// First frame, its low 32 bits.
        var flow: UInt32 = 0
    }

    enum Place {
        case open(Int)
        case gone(slot: Int)
        case unknown(slot: Int)
    }

    private static let gone = UInt32.max

    private var memory = LargeTable(repeating: Slot(), count: 1 << 10)
    /// The memory's places, of which there are one more than `mask`: a power of two.
    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    private var used = 0
    private(set) var states: [FlowState] = []
    private var free: [Int32] = []
    private let seed: UInt64
    /// More names than these are not kept: those of connections that are over go.
    private let largest: Int
    private(set) var forgotten = 0

    init(seed: UInt64, largest: Int) {
        self.seed = seed
        self.largest = max(largest, 1 << 10)
        slots = memory.places
        mask = memory.count - 1
    }

    var openCount: Int { states.count - free.count }

    @inline(__always)
    func home(_ low: UInt64, _ high: UInt64) -> Int {
        let first = (low ^ seed).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        let second = (high ^ first.low ^ first.high).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        return Int(truncatingIfNeeded: (second.high ^ second.low) & UInt64(mask))
    }

    /// Asks for the memory where a name would stand, and waits for nothing.
    @inline(__always)
    func touch(_ home: Int) -> UInt32 { slots[home].state }

    @inline(__always)
    func find(_ low: UInt64, _ high: UInt64) -> Place {
        var index = home(low, high)
        while true {
            let state = slots[index].state
            if state == 0 { return .unknown(slot: index) }
            if slots[index].lowWord == low, slots[index].highWord == high {
                return state == Self.gone ? .gone(slot: index) : .open(Int(state &- 1))
            }
            index = (index &+ 1) & mask
        }
    }

    /// The first frame of a connection that is over; nil where it is not known.
    func flow(ofGone slot: Int) -> Int { Int(slots[slot].flow) }

    /// The base sequence number of one end of a connection that is over; nil where it is not known.
    func base(ofGone slot: Int, low: Bool) -> UInt32? {
        let base = low ? slots[slot].lowBase : slots[slot].highBase
        return base == 0 ? nil : base
    }

    /// Enters a state; `slot` is where `find` said.
    @inline(__always)
    mutating func insert(_ state: FlowState, at slot: Int) -> Int {
        let index: Int
        if let reused = free.popLast() {
            index = Int(reused)
            states[index] = state
        } else {
            index = states.count
            states.append(state)
        }
        let isNew = slots[slot].state == 0
        slots[slot] = Slot(lowWord: state.words.low, highWord: state.words.high, state: UInt32(index + 1))
        if isNew {
            used += 1
            if used * 8 > memory.count * 5 { grow() }
        }
        return index
    }

    /// Changes a state in place.
    @inline(__always)
    mutating func withState<Result>(_ index: Int, _ body: (inout FlowState) -> Result) -> Result {
        body(&states[index])
    }

    /// The connection is over: its name stays.
    mutating func remove(_ index: Int) {
        free.append(Int32(index))
        let words = states[index].words
        if let slot = slot(of: words) {
            slots[slot].state = Self.gone
            let isLow = states[index].clientIsLow
            slots[slot].lowBase = isLow ? states[index].upward.name : states[index].downward.name
            slots[slot].highBase = isLow ? states[index].downward.name : states[index].upward.name
            slots[slot].flow = UInt32(truncatingIfNeeded: states[index].flow)
        }
        states[index].flow = -1
    }

    private func slot(of words: FlowWords) -> Int? {
        var index = home(words.low, words.high)
        while slots[index].state != 0 {
            if slots[index].lowWord == words.low, slots[index].highWord == words.high { return index }
            index = (index &+ 1) & mask
        }
        return nil
    }

    private mutating func grow() {
        if used >= largest { rebuild(capacity: memory.count, droppingGone: true) }
        if used * 8 > memory.count * 5 { rebuild(capacity: memory.count * 2, droppingGone: false) }
    }

    private mutating func rebuild(capacity: Int, droppingGone: Bool) {
        let old = memory
        memory = LargeTable(repeating: Slot(), count: capacity)
        (slots, mask) = (memory.places, capacity - 1)
        used = 0
        for place in 0..<old.count where old.places[place].state != 0 {
            let slot = old.places[place]
            if droppingGone, slot.state == Self.gone {
                forgotten += 1
                continue
            }
            var index = home(slot.lowWord, slot.highWord)
            while slots[index].state != 0 { index = (index &+ 1) & mask }
            slots[index] = slot
            used += 1
        }
    }
}

extension FlowState.Half {
    /// Its base as it stands in the name of a connection that is over: 0 where it is not known.
    fileprivate var name: UInt32 { hasBase ? max(base, 1) : 0 }
}
