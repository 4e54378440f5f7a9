import Model
import Testing

@testable import Diagnosis

/// The reducer's own tables against Swift's dictionary.
@Suite struct TableTests {
    @Test("A table of words says what a dictionary says, whatever comes and goes")
    func words() {
        let table = WordTable()
        var truth: [UInt64: Int] = [:]
        var random: UInt64 = 1
        for step in 0..<200_000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Few words, so that many are set again and removed.
            let word = random >> 33 & 0xfff
            if random >> 20 & 3 == 0 {
                table.remove(word)
                truth[word] = nil
            } else {
                #expect(table.update(word, step) == truth.updateValue(step, forKey: word) ?? -1)
            }
            let other = random >> 45 & 0xfff
            #expect(table[other] == truth[other] ?? -1)
        }
        #expect(table.count == truth.count)
    }

    @Test("Things are numbered in the order in which they come; those beyond the limit share the last number")
    func numbers() {
        var table = NumberTable<Endpoint>(largest: 1_000)
        for round in 0..<2 {
            for index in 0..<1_500 {
                let address = IPAddress(v4: 0x0a00_0000 + UInt32(index / 10))
                let number = table.number(of: Endpoint(address: address, port: UInt16(index % 10)))
                #expect(number == min(index, 999), "\(round)")
            }
        }
        #expect(table.keys.count == 1_000)
        #expect(table.contains(Endpoint(address: IPAddress(v4: 0x0a00_0000), port: 9)))
        #expect(!table.contains(Endpoint(address: IPAddress(v4: 0x0b00_0000), port: 9)))
    }
}
