// Package chaos hurts a broker, the network and Herald's own processes by a seed while publishers and members of a group work on it, records
// what each process did, and judges the record: the package history says how.
//
// One run has publishers and members as processes of their own, each with a network of its own to the broker, which can be cut, slowed and
// swallowed; a nemesis, which draws faults; and the phases warm, faults, heal, drain, close. What is left is a folder with the history, which can
// be judged again, by this program or by another one.
//
//	go run ./cmd/chaos -broker redis -duration 90s -seed 1      # in integration/
//	go run ./cmd/chaos -check ../.cache/chaos/redis-1              # judge again
//
// The roles can be played by Watermill instead of Herald (Config.Client), with the same nemesis, record and judge.
package chaos
