// Command checkout is a shop: 69,659 real orders flow as events through groups, retries and dead letters, and what the groups have seen in the
// end is compared with the file, order by order and to the cent.
//
//	go run ./examples/checkout
//	go run ./examples/checkout -broker amqp://guest:guest@localhost:5672/
//
// It is also the example of how a program on Herald is written. Begin with shop.go, which publishes, and email.go, inventory.go and
// loyalty.go, which handle; groups.go subscribes them, malformed.go and deadletters.go are what goes wrong, and demo.go is the plot.
//
// The exit status is 1 if anything differs from the file, or if the broker is not there. To see it fail, let a handler be wrong:
//
//	go run ./examples/checkout -break drop
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/herald-go/herald/adapters/memory"
)

// options are the flags.
type options struct {
	broker, orders, breakage string
	limit, checkouts, sample int
	charge, outage, timeout  time.Duration
	plain                    bool
}

// What -break can break.
const (
	breakDrop  = "drop"
	breakTwice = "twice"
)

func parse(args []string, stderr io.Writer) (*options, error) {
	var o options
	f := flag.NewFlagSet("checkout", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.broker, "broker", memory.Scheme+"://", "URL of the broker; memory:// is one inside this process")
	f.StringVar(&o.orders, "orders", "", "CSV `file` with the columns order,customer,date,items,amount_usd, plain or .gz; default: the 69,659 orders inside")
	f.IntVar(&o.limit, "limit", 0, "only the first `n` orders; 0 is all")
	f.IntVar(&o.checkouts, "checkouts", 24, "how many checkouts sell side by side")
	f.DurationVar(&o.charge, "charge", time.Millisecond, "how long the simulated payment takes")
	f.DurationVar(&o.outage, "outage", time.Second, "how long the mail server is away; 0 is not at all")
	f.IntVar(&o.sample, "sample", 2000, "how many orders to measure response times with; 0 is none")
	f.BoolVar(&o.plain, "plain", false, "print lines although this is a terminal")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "give up after this time")
	f.StringVar(&o.breakage, "break", "", "make a handler wrong, to see the check fail: drop (analytics forgets some orders) or twice (loyalty counts duplicates)")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	return &o, o.validate(f.Args())
}

func (o *options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.breakage != "" && o.breakage != breakDrop && o.breakage != breakTwice:
		return fmt.Errorf("-break %q: write %s or %s", o.breakage, breakDrop, breakTwice)
	case o.checkouts < 1 || o.checkouts > 1000:
		return errors.New("-checkouts must be between 1 and 1000")
	case o.limit < 0 || o.sample < 0 || o.charge < 0 || o.outage < 0 || o.timeout <= 0:
		return errors.New("numbers and times must not be negative, and -timeout not 0")
	}
	return nil
}

func main() {
	// The first signal ends the run in good order; the second kills it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the demo and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "checkout:", err)
		return 2
	}
	err = demo(ctx, opt, stdout, screenOf(stdout, opt))
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "checkout: stopped before the end, so nothing was checked")
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "checkout:", err)
		return 1
	}
	return 0
}

// screenOf returns the terminal behind out, or nil if there is none.
func screenOf(out io.Writer, opt *options) *screen {
	f, ok := out.(*os.File)
	if !ok || opt.plain || runtime.GOOS == "windows" || os.Getenv("TERM") == "dumb" {
		return nil
	}
	if _, _, ok := terminalSize(f); !ok {
		return nil
	}
	return &screen{
		colours: painter(os.Getenv("NO_COLOR") == ""), // https://no-color.org
		size:    func() (int, int, bool) { return terminalSize(f) },
	}
}
