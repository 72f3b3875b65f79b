// Package history records what publishers and handlers did while brokers were hurt, and judges it: nothing lost, nothing that nobody
// published, order kept, and a cause for each duplicate.
//
// # The format
//
// A history is a folder of files named *.jsonl, one for each process that takes part. A line is one [Op] in JSON; a line that has no end, the
// last of a process that was killed while it wrote, does not count. Lines are appended by one write(2) for each call of [File.Add], so that what
// was added survives a SIGKILL. Each line has a stamp, "at": nanoseconds of the machine's monotonic clock, which is the same in all processes of
// a machine and stands still for none of them. Within a file the stamps never decrease; [Read] merges the files by them.
//
// Who writes what, and when:
//
//	attempt    before Publish is called
//	acked, refused, unknown
//	           after it has returned; over tells how late that was after the context had ended. A process that died in between leaves an
//	           attempt alone, which is as good as unknown
//	start      before a handler does anything
//	done       before it returns nil
//	freed      before it returns an error
//	dead       when a dead letter is stored, or was found stored
//	redriven   before a dead letter is sent back
//	hurt       a notice of the broker to a member: disconnected, rebalanced
//	gap        a notice of a gap, with its size; note has its words, which name the stream where the broker has several
//	fault, healed
//	           around each fault, with its number and its row; member says whom it concerns: empty is everybody, "-" is nobody
//	spared     after a fault that could not be injected
//	forgot     before and after a fault that makes the broker forget what is finished
//	undoing, undone
//	           around a time in which what the group finishes is forgotten, and comes again: a server that is rolled back, or replaced by one
//	           that was not told
//	destroyed  after a fault, for each event that it can have destroyed: what was unfinished then; before it, without an event
//	memory     now and then: the resident bytes of a process
//	left       after a process has closed its broker: how much more of something there is than before it was opened; of connections, what the
//	           broker itself says too
//	phase      the beginning of warm, faults, heal, drain, close; rest, when handlers rest until the next fault is healed
//
// Done and attempt are on their way to the kernel before what they tell of can have an effect, so a killed process leaves no effect untold.
package history
