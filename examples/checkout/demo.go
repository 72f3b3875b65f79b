package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// stage is everything that takes part in one run.
type stage struct {
	opt     *options
	names   topics
	sales   []sale
	facts   *facts
	counts  meters
	broker  *messaging.Broker
	mail    *mailServer
	groups  *groups
	shop    *shop
	display *display
	phase   atomic.Pointer[string]
	start   time.Time
	soldIn  atomic.Int64      // how long selling took, in nanoseconds; 0 while it goes on
	speeds  map[string]*speed // the view's
}

// errDiffers is what a run ends with whose groups saw something else than the file says.
var errDiffers = errors.New("the groups and the file differ")

// demo is one run, from opening the broker to closing it.
func demo(ctx context.Context, opt *options, out io.Writer, terminal *screen) error {
	orders, err := loadOrders(opt.orders, opt.limit)
	if err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, opt.timeout, fmt.Errorf("not finished after %v (-timeout)", opt.timeout))
	defer cancel()
	s := newStage(opt, orders)
	s.display = &display{out: out, screen: terminal, look: s.look}
	if s.broker, err = openBroker(ctx, opt.broker, s.counts.hooks()); err != nil {
		return fmt.Errorf("broker: %w", err)
	}

	// Run is the program's main loop: it ends when its context ends or when a subscription has failed for good, and closes the broker in good
	// order. A server would do nothing else, and give it ctx; this one has a plot to play meanwhile, and groups to delete before the broker
	// closes, also after a signal.
	playing, abort := context.WithCancelCause(ctx)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var runErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		runErr = s.broker.Run(running)
		abort(runErr)
	})
	sum, err := s.play(playing)
	err = errors.Join(err, s.leave(context.WithoutCancel(ctx), sum))
	stop()
	wg.Wait()
	if err := errors.Join(err, runErr); err != nil {
		return err
	}
	sum.print(out)
	if len(sum.found.problems) > 0 {
		return errDiffers
	}
	return nil
}

func newStage(opt *options, orders []Order) *stage {
	s := &stage{opt: opt, names: nameTopics(opt.broker), sales: planSales(orders), start: time.Now(), speeds: make(map[string]*speed)}
	s.facts = newFacts(orders, s.sales)
	s.mail = newMailServer(len(orders)*3/10, opt.outage, s.mailChanged)
	// The groups are made here, before there is a broker, so that the hooks find a meter for each.
	s.groups = newGroups(s.names, s.mail, s.facts, opt.breakage)
	s.counts = newMeters(s.groups.members)
	s.shop = &shop{topic: s.names.orders, card: card{opt.charge}, mail: s.mail}
	s.enter("opening")
	return s
}

func (s *stage) mailChanged(away bool) {
	if away {
		s.tell("The mail server is away for %v. Its group tries again, quickly and then later; the checkout goes on selling.", s.opt.outage)
		return
	}
	s.tell("The mail server is back. What waited for it is tried again; nobody else has waited.")
}

// tell notes something with its time.
func (s *stage) tell(format string, args ...any) {
	s.display.note("%5.1f s  %s", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// play is the plot: sell, look at what failed, mend it, send it back, measure.
func (s *stage) play(ctx context.Context) (*summary, error) {
	s.groups.inventory.publisher, s.shop.publisher = s.broker, s.broker
	if err := s.groups.open(ctx, s.broker); err != nil {
		return nil, err
	}
	if err := s.broker.Ready(); err != nil { // what a load balancer would ask before it sends customers
		return nil, err
	}
	s.introduce()

	viewing, stop := context.WithCancel(ctx)
	var views sync.WaitGroup
	views.Go(func() { s.display.run(viewing) })
	views.Go(func() { s.counts.follow(viewing, s.broker) })
	sum, err := s.act(ctx)
	s.enter("done")
	stop()
	views.Wait()
	if err != nil {
		return nil, err
	}
	sum.took = time.Since(s.start)
	return sum, nil
}

// act is what can be watched.
func (s *stage) act(ctx context.Context) (*summary, error) {
	sum := &summary{facts: s.facts, groups: s.groups, counts: s.counts, broken: s.opt.breakage}
	var err error
	s.enter("selling")
	if sum.sold, err = s.shop.sell(ctx, s.sales, s.opt.checkouts); err != nil {
		return nil, err
	}
	s.soldIn.Store(int64(time.Since(s.start)))
	s.tell("All orders are sold and published.")
	s.enter("the groups finish")
	if err = settle(ctx, s.broker, s.groups.members); err != nil {
		return nil, err
	}
	if err = s.mend(ctx); err != nil {
		return nil, err
	}
	if s.opt.sample > 0 {
		s.enter("measuring response times")
		sum.compared, err = compare(ctx, s.broker, s.names.sample, s.opt, s.sales)
	}
	return sum, err
}

// mend is the day after: somebody reads the dead letters, mends the parser, deploys it and sends them back.
func (s *stage) mend(ctx context.Context) error {
	list, err := graves(ctx, s.broker, s.groups.members)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return nil
	}
	s.tell("Dead letters, what some groups could not handle, kept whole with the reason:")
	printGraves(s.display, list)

	s.enter("deploying the fix")
	for _, m := range s.groups.members {
		if err := m.deploy(ctx, s.broker, mended); err != nil {
			return err
		}
	}
	if err := s.mail.wait(ctx); err != nil { // with an outage longer than all retries
		return err
	}
	s.enter("sending the dead letters back")
	sent, err := redrive(ctx, s.broker, s.groups.members, s.counts)
	if err != nil {
		return err
	}
	s.tell("The fix is deployed, a parser that reads what the old checkout wrote. %s dead letters are sent back, each to its group.",
		grouped(sent))
	return settle(ctx, s.broker, s.groups.members)
}

// leaveWithin bounds how long closing the groups and deleting them may take.
const leaveWithin = time.Minute

// leave closes the groups, checks what they have noted, and deletes them: nobody else would, and a group that is left behind fills a real
// broker's disk. Without a summary there is nothing to check.
func (s *stage) leave(ctx context.Context, sum *summary) error {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	members := s.groups.members
	if err := closeAll(ctx, members); err != nil {
		return err
	}
	if sum != nil {
		sum.found = s.groups.checkAll(s.facts)
		if err := sum.found.checkDead(ctx, s.broker, members); err != nil {
			return err
		}
	}
	return deleteGroups(ctx, s.broker, members)
}

// introduce says what is about to happen.
func (s *stage) introduce() {
	c := s.broker.Capabilities()
	s.display.note("%s orders of %s customers, %d checkouts, broker %s %s(durability: %s)", grouped(len(s.facts.orders)),
		grouped(len(s.facts.points)), s.opt.checkouts, c.Broker, spaced(c.Version), c.Durability)
	s.display.note("Retries, shortened for the demo: quick after %s; later after %s; then the dead letters.",
		delays(retryPolicy.Quick), delays(retryPolicy.Later))
	if s.names.suffix != "" {
		s.display.note("Topics of this run: %s, %s and %s; the suffix keeps runs apart. The groups are deleted at the end, dead letters stay.",
			s.names.orders, s.names.rejections, s.names.sample)
	}
}

func spaced(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}

func delays(list []time.Duration) string {
	var text []string
	for _, d := range list {
		text = append(text, d.String())
	}
	return strings.Join(text, ", ")
}

func (s *stage) enter(phase string) { s.phase.Store(&phase) }
