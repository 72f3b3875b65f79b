// Command chaos hurts a broker while publishers and members work on it, and judges what came of it.
//
//	go run ./cmd/chaos -broker rabbitmq|kafka|redis|valkey [-duration 60s] [-seed 1] [-dir DIR] [-rows "kill,…"] [-client watermill]
//	go run ./cmd/chaos -check DIR[,DIR…]
//
// What happened stands in the folder, ../.cache/chaos/BROKER-SEED unless told otherwise, which is the tree's where the command runs in integration. A run that was interrupted goes on where it was when the
// same command is given again; one that is complete is judged again. The exit status is 1 if anything was violated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/chaos"
)

func main() {
	chaos.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

var errViolated = errors.New("the history violates what Herald promises")

func run(ctx context.Context) error {
	cfg := chaos.Config{Log: os.Stderr}
	var kind, check, rows string
	flag.StringVar(&kind, "broker", "", "rabbitmq, kafka, redis or valkey")
	flag.StringVar(&cfg.Origin, "origin", "", "docker or local: where the broker is to come from")
	flag.DurationVar(&cfg.Duration, "duration", 0, "how long faults are injected (60s)")
	flag.Uint64Var(&cfg.Seed, "seed", 1, "draws the faults")
	flag.StringVar(&cfg.Dir, "dir", "", "the run's folder (../.cache/chaos/BROKER-SEED)")
	flag.IntVar(&cfg.Rate, "rate", 0, "about how many events a second (500)")
	flag.IntVar(&cfg.Members, "members", 0, "processes that handle (3)")
	flag.IntVar(&cfg.Publishers, "publishers", 0, "processes that publish (2)")
	flag.StringVar(&rows, "rows", "", "the faults to draw from, by name, separated by commas (all)")
	flag.StringVar(&cfg.Client, "client", "", "what carries the events: Herald unless it is "+chaos.Watermill)
	flag.StringVar(&cfg.Broken, "break", "", "make every process wrong: "+strings.Join(chaos.Breakages(), ", "))
	flag.StringVar(&check, "check", "", "judge what stands in this folder, and run nothing; of several folders, separated by commas, the figures are printed side by side")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q", flag.Args())
	}
	cfg.Broker = brokers.Kind(kind)
	if rows != "" {
		cfg.Rows = strings.Split(rows, ",")
	}
	if check == "" && len(chaos.Rows(cfg.Broker)) == 0 || check == "" && kind == "" {
		return errors.New("say -broker rabbitmq, kafka, redis or valkey")
	}
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join("..", ".cache", "chaos", fmt.Sprintf("%s-%d", strings.TrimPrefix(cfg.Client+"-"+kind, "-"), cfg.Seed))
	}
	results, err := judged(ctx, cfg, check)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s", chaos.Table(results...))
	violated := false
	for _, result := range results {
		fmt.Print(result.Findings())
		violated = violated || !result.OK()
	}
	if violated {
		return errViolated
	}
	return nil
}

func judged(ctx context.Context, cfg chaos.Config, check string) ([]*chaos.Result, error) {
	if check == "" {
		result, err := chaos.Run(ctx, cfg)
		return []*chaos.Result{result}, err
	}
	var results []*chaos.Result
	for dir := range strings.SplitSeq(check, ",") {
		result, err := chaos.Judge(dir)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}
