package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

func TestBrake_OpensByConsecutiveFailuresOrByTheirShare(t *testing.T) {
	cases := map[string]struct {
		results string // . done, x failed, _ eleven minutes
		config  middleware.BrakeConfig
		want    middleware.BrakeState
	}{
		"four in a row":                {results: "xxxx"},
		"five in a row":                {results: "xxxxx", want: middleware.BrakeOpen},
		"broken row":                   {results: "xxxx.xxxx"},
		"a fifth of ten":               {results: "....x....x", want: middleware.BrakeOpen},
		"a tenth of ten":               {results: ".........x"},
		"a success never opens":        {results: "x...x....."},
		"a share of nine":              {results: "x...x...x"},
		"what is old does not count":   {results: "x...x_....x.....x", config: middleware.BrakeConfig{}, want: middleware.BrakeOpen},
		"what is old was not failures": {results: "x....x..x_.........x"},
		"in a row over a long time":    {results: "x_x_x_x_x", want: middleware.BrakeOpen},
		"no row":                       {results: "xxxxxxxxx", config: middleware.BrakeConfig{Consecutive: -1}},
		"no share":                     {results: "xxxx.xxxx.xxxx.xxxx.", config: middleware.BrakeConfig{Events: -1}},
		"own numbers":                  {results: "x..x", config: middleware.BrakeConfig{Events: 4, Share: 0.5}, want: middleware.BrakeOpen},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				brake := must(middleware.NewBrake(c.config))
				for i, r := range c.results {
					if r == '_' {
						time.Sleep(11 * time.Minute)
						continue
					}
					if brake.State() != middleware.BrakeClosed {
						t.Fatalf("open after %d", i)
					}
					var err error
					if r == 'x' {
						err = errDown
					}
					_ = brake.Middleware(returning(err)).Handle(t.Context(), delivery("order.placed"))
				}
				if brake.State() != c.want {
					t.Errorf("brake is %v, want %v", brake.State(), c.want)
				}
			})
		})
	}
}

func TestBrake_CountsWhatMayBeTheServicesFault(t *testing.T) {
	cases := map[string]struct {
		err    error
		counts bool
	}{
		"plain":       {errDown, true},
		"wrapped":     {fmt.Errorf("charge: %w", errDown), true},
		"retry after": {messaging.RetryAfter(time.Hour, errDown), true},
		"permanent":   {messaging.Permanent(errDown), false},
		"discard":     {fmt.Errorf("charge: %w", messaging.Discard(errDown)), false},
		"snooze":      {messaging.Snooze(time.Second), false},
		"release":     {messaging.Release(), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			brake := must(middleware.NewBrake(middleware.BrakeConfig{}))
			h := brake.Middleware(returning(c.err))
			for range 5 {
				if err := h.Handle(t.Context(), delivery("order.placed")); !errors.Is(err, c.err) {
					t.Fatalf("returned %v", err)
				}
			}
			if open := brake.State() == middleware.BrakeOpen; open != c.counts {
				t.Errorf("brake is %v", brake.State())
			}
		})
	}
	brake := must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: 1, Failure: func(err error) bool { return !errors.Is(err, errDown) }}))
	_ = brake.Middleware(returning(errDown)).Handle(t.Context(), delivery("order.placed"))
	if brake.State() != middleware.BrakeClosed {
		t.Error("Failure was not asked")
	}
	func() {
		defer func() { _ = recover() }()
		broken := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { panic("broken") })
		brake = must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: 1, Failure: func(error) bool { return false }}))
		_ = brake.Middleware(broken).Handle(t.Context(), delivery("order.placed"))
	}()
	if brake.State() != middleware.BrakeOpen {
		t.Error("a panic did not count")
	}
}

func TestNewBrake_RefusesWhatMakesNoSense(t *testing.T) {
	for _, cfg := range []middleware.BrakeConfig{
		{Consecutive: -1, Events: -1},
		{Share: 1.5},
		{Share: -0.1},
		{Window: -time.Second},
		{FirstProbe: -1},
		{FirstProbe: time.Minute, LastProbe: time.Second},
	} {
		if b, err := middleware.NewBrake(cfg); !errors.Is(err, messaging.ErrInvalid) || b != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
