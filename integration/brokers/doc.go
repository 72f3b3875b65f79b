// Package brokers gives tests real brokers: RabbitMQ, Kafka, Redis and Valkey, in Docker or as processes of this machine.
//
//	b := brokers.Need(t, brokers.Redis)          // the run's shared one: names apart, no faults
//	b := brokers.Own(t, brokers.RabbitMQ)        // this test's own: to be killed, paused, filled
//	err := b.Kill(ctx); err = b.Start(ctx)       // same address, same data
//
// Where a broker can't be had the test is skipped with the reason, which the closing lines of the run repeat; HERALD_TEST_REQUIRE makes it
// fail instead. Where brokers come from, and every variable, is in docs/testing.md.
//
// All brokers belong to a supervising process, which the run of all tests starts once; a package that is run by hand starts one for itself.
// They end with that process, and a test's own end with its test or its process, however it ends.
package brokers
