package contest

// Brokers are those that contests run on.
var Brokers = []string{"rabbitmq", "kafka", "redis"}

// Usual are the parameters of contests that vary nothing.
var Usual = Params{Size: 512, Keys: 1000}

// coreWorks are those of Core, in their order: should time run out, the last ones are left out.
var coreWorks = []string{Publish1, Publish64, Publish1000, Batch100, Pipelined, Consume, Ordered, Retried, Latency, Reconnect, Startup}

// Core returns the works that a person waits for, each on all brokers.
func Core() []Contest {
	var grid []Contest
	for _, work := range coreWorks {
		for _, broker := range Brokers {
			grid = append(grid, Contest{Broker: broker, Work: work, Params: Usual})
		}
	}
	return grid
}

// axes vary one parameter each. What is stored before the work is bounded by what a machine with a few gigabytes holds.
var axes = []struct {
	name   string
	works  []string
	values []int
	set    func(*Params, int)
}{
	{"size", []string{Pipelined, Consume}, []int{100, 10 << 10, 1 << 20}, func(p *Params, n int) { p.Size = n }},
	{"keys", []string{Pipelined, Consume, Ordered}, []int{1, 100, 10_000, 1_000_000}, func(p *Params, n int) { p.Keys = n }},
	{"window", []string{Pipelined, Consume}, []int{1, 10, 100, 1000, 10_000, 100_000}, func(p *Params, n int) { p.Window = n }},
	{"topics", []string{Publish64}, []int{1, 10, 100, 1000}, func(p *Params, n int) { p.Topics = n }},
	{"groups", []string{Consume}, []int{1, 10, 100}, func(p *Params, n int) { p.Groups = n }},
	{"stored", []string{Pipelined}, []int{10_000, 100_000, 1_000_000}, func(p *Params, n int) { p.Stored = n }},
}

// topicsOf bounds the topics of the brokers that take long for them: on RabbitMQ a group of Herald's is six quorum queues and a stream, and the
// first group brings another stream.
var topicsOf = map[string]int{"rabbitmq": 100}

// storedBytes bounds the events that an axis stores first: above it a contest is left out.
const storedBytes = 512 << 20

// All returns Core, the work that it leaves out, and Growth.
func All() []Contest {
	grid := Core()
	for _, broker := range Brokers {
		grid = append(grid, Contest{Broker: broker, Work: LatencyHigh, Params: Usual})
	}
	return append(grid, Growth()...)
}

// Growth returns the series that vary one parameter each.
func Growth() []Contest {
	var grid []Contest
	for _, broker := range Brokers {
		grid = append(grid, series(broker)...)
	}
	return grid
}

// bearable reports whether a broker is ready for a contest in good time.
func bearable(c *Contest) bool {
	most, bounded := topicsOf[c.Broker]
	return c.Params.Stored*c.Params.Size <= storedBytes && (!bounded || c.Params.Topics <= most)
}

func series(broker string) []Contest {
	var grid []Contest
	for _, axis := range axes {
		for _, work := range axis.works {
			for _, value := range axis.values {
				c := Contest{Broker: broker, Work: work, Params: Usual, Axis: axis.name}
				if axis.name == "stored" {
					c.Params.Size = 100
				}
				axis.set(&c.Params, value)
				if bearable(&c) {
					grid = append(grid, c)
				}
			}
		}
	}
	return grid
}
