package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// demo is the name of the suite that is the checkout example's own check of what it did.
const demo = "demo"

// demoTime is how long the demo may take on a broker; it knows by itself what is missing then.
const demoTime = 10 * time.Minute

// demoAll runs the demo on each broker that has an adapter.
func demoAll(ctx context.Context, brokers *supervisor, report *report) error {
	dir := filepath.Join("examples", "checkout")
	program := filepath.Join(brokers.dir, "checkout")
	if brokers.dir == "" {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./"+dir).CombinedOutput(); err != nil {
		return fmt.Errorf("build the demo: %w\n%s", err, out)
	}
	var errs []error
	for _, name := range known {
		if !hasAdapter(name) || ctx.Err() != nil {
			continue
		}
		b := broker{URL: "memory://"}
		if name != memory {
			var err error
			if b, err = brokers.need(ctx, name); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		errs = append(errs, demoOne(ctx, program, name, b, report))
	}
	return errors.Join(errs...)
}

func demoOne(ctx context.Context, program, name string, b broker, report *report) error {
	on := place{broker: name, version: b.Version, origin: b.Origin}
	if b.NotRun != "" {
		on.why = b.NotRun
		report.demos[on] = ""
		return nil
	}
	began := time.Now()
	out, err := exec.CommandContext(ctx, program, "-plain", "-broker", b.URL, "-timeout", demoTime.String()).CombinedOutput()
	took := fmt.Sprintf("%.0f s", time.Since(began).Seconds())
	if err != nil {
		report.demos[on] = "FAILED after " + took
		report.print(fmt.Sprintf("%s\nFAIL\tdemo on %s\t%s\n", out, name, took))
		return fmt.Errorf("demo on %s: %w", name, err)
	}
	report.print(fmt.Sprintf("ok  \tdemo on %s\t%s\n", name, took))
	report.demos[on] = lastLine(string(out))
	return nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
