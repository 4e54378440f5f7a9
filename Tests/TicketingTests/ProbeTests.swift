import Testing
import Ticketing
@Test func probing() { #expect(!probe().isEmpty) }
