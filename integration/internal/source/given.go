package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"
)

// givenTime bounds how long a broker that is given by URL may take to answer.
const givenTime = 15 * time.Second

// cleanTime bounds how long it may take to remove what the contract has left on it.
const cleanTime = 30 * time.Second

// IsGiven reports whether HERALD_TEST_<KIND>_URL names a broker.
func IsGiven(kind string) bool { return os.Getenv(variable(kind, "URL")) != "" }

// GivenBroker returns the broker that HERALD_TEST_<KIND>_URL names. The error wraps ErrAbsent where it does not answer, and never holds the URL.
func GivenBroker(ctx context.Context, kind string) (b Broker, err error) {
	name := variable(kind, "URL")
	raw := os.Getenv(name)
	target, err := url.Parse(raw)
	if err != nil || target.Host == "" {
		return b, fmt.Errorf("%w: %s is no URL of a broker", ErrAbsent, name)
	}
	addr := target.Host
	if target.Port() == "" {
		addr = net.JoinHostPort(target.Hostname(), standardPort(target.Scheme))
	}
	b = Broker{Kind: kind, URL: raw, Addr: addr, Inside: addr, Origin: Given}
	ctx, cancel := context.WithTimeout(ctx, givenTime)
	defer cancel()
	b.Version, err = AwaitReady(ctx, b, func(context.Context) bool { return true })
	if err != nil {
		return b, fmt.Errorf("%w: the broker of %s: %w", ErrAbsent, name, err)
	}
	return b, nil
}

// standardPort returns the port of a URL that names none.
func standardPort(scheme string) string {
	switch scheme {
	case "amqp":
		return "5672"
	case "amqps":
		return "5671"
	case "kafka":
		return "9092"
	}
	return "6379"
}

// givenMachine stands for a broker that is given by URL: it is only talked to, and cleaned at the end.
type givenMachine struct {
	broker Broker
	before map[thing]bool // what there was with a name of the contract's; nil if that can't be told
}

// NewGivenMachine returns a machine for a broker that is given. It notes what is there, and Remove removes what came later and has a name of the
// drivers' contract: run one at a time on such a broker. With an error the machine works, and Remove leaves everything.
func NewGivenMachine(ctx context.Context, b Broker) (Machine, error) {
	before := map[thing]bool{}
	m := &givenMachine{broker: b}
	err := m.each(ctx, func(_ store, t thing) error { before[t] = true; return nil })
	if err == nil {
		m.before = before
	}
	return m, err
}

// each calls do for each thing on the broker that has a name of the contract's.
func (m *givenMachine) each(ctx context.Context, do func(store, thing) error) error {
	s, err := openStore(m.broker)
	if err != nil {
		return err
	}
	things, err := s.list(ctx)
	for _, t := range things {
		if contractName.MatchString(t.name) {
			err = errors.Join(err, do(s, t))
		}
	}
	return errors.Join(err, s.close())
}

// Remove cleans the broker.
func (m *givenMachine) Remove(ctx context.Context) error {
	if m.before == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, cleanTime)
	defer cancel()
	err := m.each(ctx, func(s store, t thing) error {
		if m.before[t] {
			return nil
		}
		return s.remove(ctx, t)
	})
	if err != nil {
		return fmt.Errorf("names that begin with dt- may be left on the broker of %s: %s", variable(m.broker.Kind, "URL"), Why(err))
	}
	return nil
}

var errGiven = errors.New("a broker that is given by URL is only talked to")

func (*givenMachine) Start(context.Context) error                    { return errGiven }
func (*givenMachine) Stop(context.Context) error                     { return errGiven }
func (*givenMachine) Kill(context.Context) error                     { return errGiven }
func (*givenMachine) Pause(context.Context) error                    { return errGiven }
func (*givenMachine) Resume(context.Context) error                   { return errGiven }
func (*givenMachine) Exec(context.Context, []string) (string, error) { return "", errGiven }
func (*givenMachine) Logs(context.Context) string                    { return errGiven.Error() }
func (*givenMachine) Running(context.Context) bool                   { return true }
