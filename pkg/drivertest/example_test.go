package drivertest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
)

// harness tells the suite how to reach a broker, and how to take it away.
func harness(server *memory.Server) drivertest.Harness {
	return drivertest.Harness{
		Name:       "memory",
		Open:       func(context.Context) (driver.Driver, error) { return server.Connect(), nil },
		Disconnect: func() error { server.Disconnect(); return nil },
		Reconnect:  func() error { server.Reconnect(); return nil },
	}
}

// An adapter runs the suite from a test of its own.
func ExampleRun() {
	testConformance := func(t *testing.T) {
		t.Helper()
		server, err := memory.NewServer(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		drivertest.Run(t, harness(server))
	}
	_ = testConformance // go test runs it under its own name
	fmt.Println(len(drivertest.Sentences()) > 100, "sentences")
	// Output: true sentences
}

// Check runs sentences without a test, for whoever wants to know what a driver does not keep.
func ExampleCheck() {
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range drivertest.Check(context.Background(), harness(server), "settle/an ack settles no other message") {
		fmt.Println(v.Sentence, "is", v.Status)
	}
	// Output: settle/an ack settles no other message is kept
}
