package config_test

import (
	"reflect"
	"testing"
	"testing/fstest"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
)

// hermetic reads no variables.
var hermetic = config.Loader{Environ: []string{}}

func parse(t *testing.T, text string, env ...string) *config.Config {
	t.Helper()
	c, err := config.Loader{Environ: append([]string{}, env...)}.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const everything = `
service: billing
broker: memory://
form: json
unrouted: keep
publish_timeout: 5s
drain_timeout: 1m30s
must_run_on: [memory, kafka]
limits: {message: 1, header_bytes: 2, header_count: 3, nesting: 4}
topics:
  payments:
  orders: {partitions: 12, history: 720h, max_bytes: 9007199254740992, max_count: 7, groups: [billing, audit], declare: create}
  theirs: {declare: none}
groups:
  billing:
    orders:
      concurrency: 32
      window: 100
      window_bytes: 200
      timeout: none
      quarantine: never
      order_across_replicas: 12
      from: 2024-01-15T10:30:00Z
      types: [order.*, "#"]
      when_later: block
      retry: {quick: [0s, 100ms], later: []}
`

func TestEveryKeyReachesTheBrokersConfiguration(t *testing.T) {
	t.Parallel()
	want := messaging.Config{
		Service: "billing", Form: "json", Unrouted: messaging.KeepUnrouted,
		PublishTimeout: 5 * time.Second, DrainTimeout: 90 * time.Second,
		MustRunOn: []string{"memory", "kafka"},
		Limits:    envelope.Limits{Message: 1, HeaderBytes: 2, HeaderCount: 3, Nesting: 4},
		Topics: []messaging.Topic{
			{Name: "orders", Partitions: 12, MaxAge: 720 * time.Hour, MaxBytes: 1 << 53, MaxCount: 7, Groups: []string{"billing", "audit"}},
			{Name: "payments"},
		},
	}
	c := parse(t, everything)
	if got := c.Messaging(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := c.Service(); got != "billing" {
		t.Errorf("service %q", got)
	}
	if got := parse(t, "broker: memory://\nunrouted: drop").Messaging(); !reflect.DeepEqual(got, messaging.Config{Unrouted: messaging.DropUnrouted}) {
		t.Errorf("what is not given must stay zero: %+v", got)
	}
}

// applied is what options make of a subscription. Their type's argument is pkg/messaging's own, so it is made by reflection.
func applied(options ...messaging.SubscribeOption) any {
	to := reflect.New(reflect.TypeFor[messaging.SubscribeOption]().In(0).Elem())
	for _, o := range options {
		reflect.ValueOf(o).Call([]reflect.Value{to})
	}
	return to.Interface()
}

func TestEveryKeyReachesTheSubscription(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	sub := func(keys string) string { return "broker: memory://\nservice: g\ngroups: {g: {t: {" + keys + "}}}" }
	group := messaging.Group("g")
	for _, tc := range []struct {
		text string
		want []messaging.SubscribeOption
	}{
		{everything, []messaging.SubscribeOption{group}},
		{sub(""), []messaging.SubscribeOption{group}},
		{sub("concurrency: 3"), []messaging.SubscribeOption{group, messaging.Concurrency(3)}},
		{sub("window: 3"), []messaging.SubscribeOption{group, messaging.Window(3, 0)}},
		{sub("window_bytes: 3"), []messaging.SubscribeOption{group, messaging.Window(0, 3)}},
		{sub("timeout: 3s, quarantine: 4"), []messaging.SubscribeOption{group, messaging.HandlerTimeout(3 * time.Second), messaging.Quarantine(4)}},
		{sub("timeout: none, quarantine: never"), []messaging.SubscribeOption{group, messaging.HandlerTimeout(-1), messaging.Quarantine(-1)}},
		{sub("order_across_replicas: 8"), []messaging.SubscribeOption{group, messaging.OrderAcrossReplicas(8)}},
		{sub("from: oldest"), []messaging.SubscribeOption{group, messaging.From(messaging.Oldest())}},
		{sub("from: newest"), []messaging.SubscribeOption{group, messaging.From(messaging.Newest())}},
		{sub("from: after:0-1"), []messaging.SubscribeOption{group, messaging.From(messaging.After("0-1"))}},
		{sub("from: 2024-01-15T10:30:00Z"), []messaging.SubscribeOption{group, messaging.From(messaging.At(at))}},
		{sub("types: [a, b.*]"), []messaging.SubscribeOption{group, messaging.Types("a", "b.*")}},
		{sub("when_later: block"), []messaging.SubscribeOption{group, messaging.Retry(messaging.RetryPolicy{WhenLater: messaging.Block})}},
		{sub("when_later: block"), []messaging.SubscribeOption{group, messaging.Retry(messaging.RetryPolicy{WhenLater: messaging.Block})}},
		{sub("retry: {quick: []}"), []messaging.SubscribeOption{group, messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{}})}},
		{
			sub("retry: {quick: [0s, 1ms], later: [2h]}"),
			[]messaging.SubscribeOption{group, messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{0, time.Millisecond}, Later: []time.Duration{2 * time.Hour}})},
		},
	} {
		if got, want := applied(parse(t, tc.text).Subscription("t", "g")...), applied(tc.want...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v\nwant %+v", tc.text, got, want)
		}
	}
	c := parse(t, sub("concurrency: 3"))
	if got, want := applied(c.Subscription("t", "")...), applied(c.Subscription("t", "g")...); !reflect.DeepEqual(got, want) {
		t.Errorf("an empty group must be the service: %+v", got)
	}
}

func TestLaterLayersWinKeyByKey(t *testing.T) {
	t.Parallel()
	loader := config.Loader{
		Code: "broker: memory://\nservice: code\ntopics: {a: {partitions: 1, history: 1h, groups: [x, y]}}\nlimits: {nesting: 10}",
		FS: fstest.MapFS{
			"1.yaml": {Data: []byte("service: one\nunrouted: keep\ntopics: {a: {partitions: 2, groups: [z]}, b: {max_count: 1}}\n")},
			"2.yaml": {Data: []byte("# nothing but a comment\n")},
			"3.yaml": {Data: []byte("unrouted: drop\ntopics: {b: {max_count: 3, max_bytes: 3}}\n")},
		},
		Environ: []string{
			"HERALD_TOPICS__B__MAX_BYTES=4", "HERALD_TOPICS__A__GROUPS=", "HERALD_MUST_RUN_ON=kafka, redis", "HERALD_LIMITS__MESSAGE=4",
			"HERALD_TEST_RABBITMQ=amqp://", "HERALD_SERVICE_HOST=10.0.0.1", "HERALD_PORT_80_TCP_ADDR=10.0.0.1", "PATH=/bin", "=C:=x",
		},
	}
	c, err := loader.Load("1.yaml", "2.yaml", "3.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := messaging.Config{
		Service: "one", Unrouted: messaging.DropUnrouted, MustRunOn: []string{"kafka", "redis"},
		Limits: envelope.Limits{Message: 4, Nesting: 10},
		Topics: []messaging.Topic{
			{Name: "a", Partitions: 2, MaxAge: time.Hour, Groups: []string{}},
			{Name: "b", MaxCount: 3, MaxBytes: 4},
		},
	}
	if got := c.Messaging(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestVariablesAreExpandedInValues(t *testing.T) {
	t.Parallel()
	const text = `
broker: memory://${QUERY:-}
service: ${A}-${B:-x}-${EMPTY:-y}
topics: {"$t": {}}
`
	env := []string{"A=a", "EMPTY=", "QUERY=?like=redis", "N=4", "ON=true", "PART=${A}"}
	_, err := config.Loader{Environ: env}.Parse("f", []byte(text))
	if err == nil { // names of topics are not values
		t.Fatal("a topic named $t is taken")
	}
	c := parse(t, `
broker: memory://${QUERY:-}
service: ${A}-${B:-x}-${EMPTY:-y}
topics: {t: {partitions: "${N}", groups: ["${A}", b]}}
groups: {g: {t: {from: "after:$${A}${PART}$"}}}
kafka: {tls: {insecure: "${ON}"}}
`, env...)
	want := messaging.Config{Service: "a-x-y", Topics: []messaging.Topic{{Name: "t", Partitions: 4, Groups: []string{"a", "b"}}}}
	if got := c.Messaging(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := c.URL(); got != "memory://?like=redis" {
		t.Errorf("URL %s", got)
	}
	from := applied(messaging.Group("g"), messaging.From(messaging.After("${A}${A}$")))
	if got := applied(c.Subscription("t", "g")...); !reflect.DeepEqual(got, from) {
		t.Errorf("got %+v, want %+v", got, from)
	}
}

func TestAnUnsetVariableCountsOnlyWhereItsValueDoes(t *testing.T) {
	t.Parallel()
	c := parse(t, "broker: ${BROKER}", "HERALD_BROKER=memory://?like=kafka")
	if got := c.URL(); got != "memory://?like=kafka" {
		t.Errorf("URL %s", got)
	}
	if _, err := hermetic.Parse("f", []byte("broker: memory://\nmust_run_on: ['${A}', '${B}']")); err == nil ||
		err.Error() != "f:2: must_run_on[0]: the environment variable A is not set; set it, or write ${A:-default}" {
		t.Errorf("got %v", err)
	}
}

func TestKeysThatBeginWithXAreIgnoredAndCanBeMergedFrom(t *testing.T) {
	t.Parallel()
	c := parse(t, `
x-slow: &slow {concurrency: 2, x-why: they ask, retry: {quick: []}}
x-late: &late {concurrency: 9, window: 7}
broker: memory://
topics: {x-file: {partitions: 900}}
groups:
  g:
    t: {<<: [*slow, *late], timeout: 1s}
    u: *slow
    v: {<<: *slow, concurrency: 5}
`)
	group, none := messaging.Group("g"), messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{}})
	for topic, want := range map[string]any{
		"t": applied(group, messaging.Concurrency(2), messaging.Window(7, 0), messaging.HandlerTimeout(time.Second), none),
		"u": applied(group, messaging.Concurrency(2), none),
		"v": applied(group, messaging.Concurrency(5), none),
	} {
		if got := applied(c.Subscription(topic, "g")...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", topic, got, want)
		}
	}
	if got, want := c.Warnings(), []string{"f:5: topics.x-file: ignored, because it begins with x-"}; !reflect.DeepEqual(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	if got := c.Messaging().Topics; got != nil {
		t.Errorf("topics %+v", got)
	}
}

func TestTheZeroConfigSaysNothing(t *testing.T) {
	t.Parallel()
	var c config.Config
	if c.URL() != "" || c.Service() != "" || c.Warnings() != nil || c.Connection() != (config.Connection{}) || len(c.Options()) != 1 ||
		len(c.Subscription("t", "g")) != 1 || c.String() == "" {
		t.Errorf("got %v", &c)
	}
}
