// Package supervise keeps the brokers of a test run: one process starts each broker that is asked for, once, and hurts and ends them on behalf
// of the processes that run the tests. What it holds ends with it, and what one process had for itself ends with that process, however it ends.
//
// Processes speak to it over a Unix socket: one request and one answer for each connection, both a line of JSON.
package supervise

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
)

// SocketVariable is the environment variable that names the supervisor's socket.
const SocketVariable = "HERALD_TEST_BROKERS"

// Verbs of a Request.
const (
	VerbHold    = "hold"    // answered at once; what Holder owns ends when this connection does
	VerbNeed    = "need"    // the shared broker of Order.Kind
	VerbOwn     = "own"     // a broker for Holder alone
	VerbEnd     = "end"     // ends a broker that was given by VerbOwn
	VerbStop    = "stop"    // ends it in good order; it can be started again
	VerbKill    = "kill"    // SIGKILL
	VerbStart   = "start"   // answered when it serves
	VerbPause   = "pause"   // stops its processes where they are
	VerbResume  = "resume"  // lets them go on
	VerbExec    = "exec"    // runs Args where the broker is
	VerbLogs    = "logs"    // the end of what it has written
	VerbRunning = "running" // the brokers there are
)

// Request is what a process asks.
type Request struct {
	Verb   string
	Holder string        // of VerbHold and VerbOwn
	Order  source.Order  // of VerbNeed and VerbOwn
	ID     string        // the broker, of the other verbs
	Args   []string      // of VerbExec
	Within time.Duration // how long the asking process waits
}

// Answer is what it gets.
type Answer struct {
	Broker source.Broker
	// Output is of VerbExec and VerbLogs.
	Output string
	// NotRun says why there is no such broker here, of VerbNeed and VerbOwn.
	NotRun string
	// Error is what went wrong.
	Error string
	// Running are the brokers there are.
	Running []source.Broker
}

// Ask sends a request and waits for the answer, as long as ctx lasts.
func Ask(ctx context.Context, socket string, r Request) (Answer, error) {
	if deadline, ok := ctx.Deadline(); ok {
		r.Within = time.Until(deadline)
	}
	conn, err := Connect(ctx, socket)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = conn.Close() }()
	// The supervisor keeps to the time as well; its answer tells more than a closed connection.
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline.Add(2 * time.Second))
	}
	if err != nil {
		return Answer{}, err
	}
	return exchange(conn, r)
}

// Connect opens a connection to the supervisor.
func Connect(ctx context.Context, socket string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("brokers' supervisor: %w", err)
	}
	return conn, nil
}

// Hold says over conn that what holder owns shall end with it.
func Hold(conn net.Conn, holder string) error {
	_, err := exchange(conn, Request{Verb: VerbHold, Holder: holder})
	return err
}

func exchange(conn net.Conn, r Request) (Answer, error) {
	var a Answer
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return a, fmt.Errorf("brokers' supervisor: %w", err)
	}
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("brokers' supervisor: no answer to %s: %w", r.Verb, err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("brokers' supervisor: %w", err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}
