// Package sendqueue holds messages between driver.Publisher.Send and the goroutine that writes them: in order, bounded by count and bytes,
// withdrawable until they are claimed, each with exactly one fate.
//
// Any number of goroutines put; one goroutine takes. A publisher's Send is [Queue.Put]. The writer waits on [Queue.Ready], takes a batch,
// claims each message right before its first byte, and reports each fate with [Entry.Done] or [DoneAll], now or when the broker answers.
// While the broker is away the writer tells the queue so with [Queue.Offline] and takes nothing.
//
// There is no goroutine in here, and no timer but one that runs while somebody waits for room.
package sendqueue
