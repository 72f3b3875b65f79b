package config_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestTopicsAndGroupsOfAFileCanBeListed(t *testing.T) {
	t.Parallel()
	cfg, err := config.Loader{Environ: []string{}}.Parse("herald.yaml", []byte(`
broker: memory://
topics:
  payments: {declare: none}
  orders: {partitions: 12, history: 1h, groups: [billing, audit], declare: verify}
groups:
  billing:
    orders: {types: [order.placed, "order.*"]}
    payments: {concurrency: 2}
`))
	if err != nil {
		t.Fatal(err)
	}
	wantTopics := []messaging.Topic{
		{Name: "orders", Partitions: 12, MaxAge: time.Hour, Groups: []string{"billing", "audit"}, Verify: true},
		{Name: "payments"},
	}
	if got := cfg.Topics(); !reflect.DeepEqual(got, wantTopics) {
		t.Errorf("got %+v", got)
	}
	wantHandled := []config.Handled{
		{Group: "billing", Topic: "orders", Types: []string{"order.placed", "order.*"}},
		{Group: "billing", Topic: "payments"},
	}
	if got := cfg.Handled(); !reflect.DeepEqual(got, wantHandled) {
		t.Errorf("got %+v", got)
	}
	var none *config.Config
	if len(none.Topics())+len(none.Handled()) != 0 {
		t.Error("the zero Config has something")
	}
}
