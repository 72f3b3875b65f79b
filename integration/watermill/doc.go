// Package watermill runs Watermill's universal suite, github.com/ThreeDotsLabs/watermill/pubsub/tests, over contrib/watermill: whole, at full
// size, and as it is, on the memory adapter and on a broker of each kind that the suite restarts.
//
// With HERALD_TEST_WATERMILL_STRESS=1 the suite's stress variant runs in its place: as many copies of the suite side by side as
// STRESS_TEST_COUNT says, ten by default.
package watermill
