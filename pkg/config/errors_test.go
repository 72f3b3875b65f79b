package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
)

const (
	write = "write memory:// for development, or a URL such as amqp://host:5672, kafka://host:9092 or redis://host:6379, into the file or into HERALD_BROKER"
	names = "a name: words of letters, digits, _ and - joined by single dots, at most 100 characters"
	tops  = "known are broker, drain_timeout, form, groups, kafka, limits, memory, must_run_on, publish_timeout, rabbitmq, redis, schemas, service, topics, unrouted"
)

// wrong is a text, or variables, and every line of its error.
type wrong struct {
	text string
	env  []string
	want string
	// schema tells that the published schema refuses the text too.
	schema bool
}

func (w wrong) file() string {
	if strings.Contains(w.text, "broker") || w.env != nil {
		return w.text
	}
	return "broker: memory://\n" + w.text
}

// wrongTexts are in lines that follow a first one with the broker, unless they speak of it.
func wrongTexts() []wrong {
	return slices.Concat(wrongKeys(), wrongTopicsAndGroups(), wrongSections())
}

func wrongKeys() []wrong {
	return []wrong{
		{text: "topcis: {}", want: "f:2: topcis: unknown key, did you mean topics?", schema: true},
		{text: "ofrm: json", want: "f:2: ofrm: unknown key, did you mean form?", schema: true},
		{text: "TOPICS: {}", want: "f:2: TOPICS: unknown key, did you mean topics?", schema: true},
		{text: "retry: {}", want: "f:2: retry: unknown key, " + tops, schema: true},
		{text: "topics:\n  a:\n    partitons: 2", want: "f:4: topics.a.partitons: unknown key, did you mean partitions?", schema: true},
		{text: "\"a\\nb\": 1", want: `f:2: "a\nb": unknown key, ` + tops, schema: true},
		{text: "service: a\nservice: b", want: "f:3: service: given twice, first in line 2"},
		{text: "topics: {a: {}, a: {}}", want: "f:2: topics.a: given twice, first in line 2"},
		{text: "[a]: 1", want: "f:2: a key must be text"},

		{text: "service: 12", want: "f:2: service: expected " + names + ", found 12, which is no text without quotes", schema: true},
		{text: "service: a..b", want: "f:2: service: expected " + names + ", found a..b", schema: true},
		{text: "service:", want: "f:2: service: expected " + names + ", found nothing", schema: true},
		{text: "service: {}", want: "f:2: service: expected " + names + ", found a map", schema: true},
		{text: "form: xml", want: "f:2: form: expected binary, json, cloudevents or cloudevents-json, found xml", schema: true},
		{text: "unrouted: 1", want: "f:2: unrouted: expected refuse, keep or drop, found 1", schema: true},
		{text: "publish_timeout: 30", want: "f:2: publish_timeout: expected a duration of more than 0, such as 30s, found 30, which has no unit", schema: true},
		{text: "publish_timeout: -3s", want: "f:2: publish_timeout: expected a duration of more than 0, such as 30s, found -3s", schema: true},
		{text: "drain_timeout: 0s", want: "f:2: drain_timeout: expected a duration of more than 0, such as 30s, found 0s"},
		{text: "drain_timeout: 1d", want: "f:2: drain_timeout: expected a duration of more than 0, such as 30s, found 1d", schema: true},
		{text: "must_run_on: kafka", want: "f:2: must_run_on: expected a list, each memory, rabbitmq, kafka or redis, found text", schema: true},
		{text: "must_run_on: [kafka, nats]", want: "f:2: must_run_on[1]: expected memory, rabbitmq, kafka or redis, found nats", schema: true},
		{text: "limits: []", want: "f:2: limits: expected a map of keys, found a list", schema: true},
		{text: "limits: {nesting: 1001}", want: "f:2: limits.nesting: expected a whole number of 1000 or less, found 1001", schema: true},
		{text: "limits: {nesting: 0}", want: "f:2: limits.nesting: expected a whole number between 1 and 1000, found 0", schema: true},
		{text: "limits: {message: -1}", want: "f:2: limits.message: expected a whole number of 1 or more, found -1", schema: true},
		{text: "limits: {message: 99999999999999999999}", want: "f:2: limits.message: expected a whole number of 2147483647 or less, found 99999999999999999999", schema: true},
		{text: "limits: {message: 1_000}", want: "f:2: limits.message: expected a whole number of 1 or more, found 1_000"},
		{text: "limits: {message: 010}", want: "f:2: limits.message: expected a whole number of 1 or more, found 010"},
		{text: "limits: {message: '12'}", want: "f:2: limits.message: expected a whole number of 1 or more, found 12", schema: true},
		{text: "limits: {message: 1.5}", want: "f:2: limits.message: expected a whole number of 1 or more, found 1.5", schema: true},
	}
}

func wrongTopicsAndGroups() []wrong {
	return []wrong{
		{text: "topics: [a]", want: "f:2: topics: expected a map of names, found a list", schema: true},
		{text: "topics: {a b: {}}", want: "f:2: topics.a b: expected " + names, schema: true},
		{text: "topics: {a: 1}", want: "f:2: topics.a: expected a map of keys, found a number", schema: true},
		{text: "topics: {a: {partitions: 65}}", want: "f:2: topics.a.partitions: expected a whole number of 64 or less, found 65", schema: true},
		{text: "topics: {a: {history: forever}}", want: "f:2: topics.a.history: expected a duration of 0 or more, such as 30s, found forever", schema: true},
		{text: "topics: {a: {groups: [b c]}}", want: "f:2: topics.a.groups[0]: expected " + names + ", found b c", schema: true},

		{text: "groups: {g: {t: {concurrency: many}}}", want: "f:2: groups.g.t.concurrency: expected a whole number of 1 or more, found many", schema: true},
		{text: "groups: {g: {t: {timeout: never}}}", want: "f:2: groups.g.t.timeout: expected a duration of more than 0, such as 30s, or none, found never", schema: true},
		{text: "groups: {g: {t: {quarantine: -1}}}", want: "f:2: groups.g.t.quarantine: expected a whole number of 1 or more, or never, found -1", schema: true},
		{text: "groups: {g: {t: {from: yesterday}}}", want: "f:2: groups.g.t.from: expected oldest, newest, an RFC 3339 time, or after: and a position, found yesterday", schema: true},
		{text: "groups: {g: {t: {from: 'after:'}}}", want: "f:2: groups.g.t.from: expected oldest, newest, an RFC 3339 time, or after: and a position, found after:", schema: true},
		{text: "groups: {g: {t: {types: [a*.b]}}}", want: "f:2: groups.g.t.types[0]: expected an event type, in which * stands for one word between dots and # for any number, found a*.b"},
		{text: "groups: {g: {t: {when_later: wait}}}", want: "f:2: groups.g.t.when_later: expected overtake or block, found wait", schema: true},
		{text: "groups: {g: {t: {retry: {quick: [2m]}}}}", want: "f:2: groups.g.t.retry.quick[0]: expected a duration between 0s and 1m0s, such as 500ms, found 2m"},
		{text: "groups: {g: {t: {retry: {later: [1s, ~]}}}}", want: "f:2: groups.g.t.retry.later[1]: expected a duration of 0 or more, such as 30s, found nothing", schema: true},
	}
}

func wrongSections() []wrong {
	return []wrong{
		{text: "memory: {like: nats}", want: "f:2: memory.like: expected rabbitmq, kafka or redis, found nats", schema: true},
		{text: "kafka: {password: 123456}", want: "f:2: kafka.password: expected text that is not empty, found a number, which is no text without quotes", schema: true},
		{text: "kafka: {password: ''}", want: "f:2: kafka.password: expected text that is not empty, found text", schema: true},
		{text: "kafka: hunter2", want: "f:2: kafka: expected a map of keys, found text", schema: true},
		{text: "kafka: {tls: {insecure: yes}}", want: "f:2: kafka.tls.insecure: expected true or false, found yes", schema: true},
		{text: "redis: {replication: 3}", want: "f:2: redis.replication: unknown key, known are password, password_file, sentinel_password, sentinel_password_file, sentinel_user, tls, username", schema: true},
		{text: "kafka: {replication: 0}", want: "f:2: kafka.replication: expected a whole number between 1 and 32767, found 0", schema: true},

		{text: "schemas: {folder: a, registry: 'https://r'}", want: "f:2: schemas.registry: folder is given too (f:2); keep one"},
		{text: "schemas: {registry: 'ftp://ada:hunter2@r'}", want: "f:2: schemas.registry: expected a URL that begins with http:// or https://"},
		{text: "schemas: {folder: a, framing: confluent}", want: "f:2: schemas.framing: registry is missing, whose ids the frame holds"},
		{text: "schemas: {registry: 'https://ada:hunter2@r', token: hunter2}", want: "f:2: schemas: a token and a user are given; keep one"},
		{text: "schemas: {registry: 'https://ada:hunter2@r', password: hunter2}", want: "f:2: schemas: the registry's URL has a user too; keep one"},
		{text: "schemas: {unknown: ignore}", want: "f:2: schemas.unknown: expected refuse, warn or pass, found ignore", schema: true},
		{text: "topics: {a: {schemas: never}}", want: "f:2: topics.a.schemas: expected refuse, warn, pass or off, found never", schema: true},

		{text: "broker: ${BROKER}", want: "f:1: broker: the environment variable BROKER is not set; set it, or write ${BROKER:-default}"},
		{text: "broker: ${BROKER:-}", want: "f:1: broker: the URL is empty; " + write},
		{text: "broker: ''", want: "f:1: broker: the URL is empty; " + write, schema: true},
		{text: "# broker: none", want: "broker: the URL is missing; " + write},
		{text: "broker: guest:hunter2@host", want: "f:1: broker: expected a URL that begins with a scheme and ://; " + write},
		{text: "broker: 5672", want: "f:1: broker: expected a URL, found a number, which is no text without quotes", schema: true},
		{text: "service: ${A", want: "f:2: service: ${ without }; write $${ for the characters themselves", schema: true},
		{text: "service: ${A B}", want: "f:2: service: between ${ and } stands the name of a variable, or NAME:-default; write $${ for the characters themselves", schema: true},
		{text: "service: ${A:-${B}}", want: "f:2: service: between ${ and } stands the name of a variable, or NAME:-default; write $${ for the characters themselves"},
		{text: "form: ${A:-hunter2}", want: "f:2: form: expected binary, json, cloudevents or cloudevents-json, found something else in ${A}"},

		{text: "- broker", want: "f:1: expected a map of keys, found a list\nbroker: the URL is missing; " + write, schema: true},
		{text: "service: a: b", want: "f:2: not YAML: mapping values are not allowed in this context"},
		{text: "service: *hunter2", want: "f:2: not YAML: * stands for an anchor that is not there; quote text that begins with *"},
		{text: "service: \x01", want: "f: not YAML: control characters are not allowed (value: 1)"},
		{text: "---\nservice: b", want: "f:2: a second document begins here: a file holds one, and Load takes several files"},
		{text: "<<: 1", want: "f:2: << takes a map or a list of maps", schema: true},
		{text: "x-a: &a [*a]\nmust_run_on: *a", want: "f:2: must_run_on[0]: expected memory, rabbitmq, kafka or redis, found a list", schema: true},
		{text: "x-a: &a\n  <<: *a\n<<: *a", want: "f:2: more than 32 levels", schema: true},
	}
}

func wrongVariables() []wrong {
	const ok = "broker: memory://\ntopics: {a.b: {}, a-b: {}, c: {}}\ngroups: {g: {t: {}}}"
	return []wrong{
		{text: ok, env: []string{"HERALD_SERVCE=a"}, want: "HERALD_SERVCE: unknown variable, did you mean HERALD_SERVICE?"},
		{
			text: ok, env: []string{"HERALD_COLOUR=a"},
			want: "HERALD_COLOUR: unknown variable: variables that begin with HERALD_ are the keys in capitals, with __ between levels",
		},
		{
			text: ok, env: []string{"HERALD_TOPICS__ORDERS__PARTITIONS=1"},
			want: "HERALD_TOPICS__ORDERS__PARTITIONS: unknown variable: a variable can change the keys of a topic or group that a file names, not add one",
		},
		{
			text: ok, env: []string{"HERALD_TOPICS__A_B__PARTITIONS=1"},
			want: "HERALD_TOPICS__A_B__PARTITIONS: stands for topics.a-b.partitions and for topics.a.b.partitions alike: set them in a file",
		},
		{
			text: ok, env: []string{"HERALD_TOPICS__C__PARTITIONS=x"},
			want: "HERALD_TOPICS__C__PARTITIONS: topics.c.partitions: expected a whole number between 0 and 64, found x",
		},
		{text: ok, env: []string{"HERALD_FORM="}, want: "HERALD_FORM: form: expected binary, json, cloudevents or cloudevents-json, found nothing"},
		{text: ok, env: []string{"HERALD_KAFKA__PASSWORD="}, want: "HERALD_KAFKA__PASSWORD: kafka.password: expected text that is not empty, found nothing"},
		{text: ok, env: []string{"HERALD_KAFKA__PASSWORD=\xff"}, want: "HERALD_KAFKA__PASSWORD: kafka.password: expected text that is not empty"},
		{text: ok, env: []string{"HERALD_FORM=\xff\x1b"}, want: `HERALD_FORM: form: expected binary, json, cloudevents or cloudevents-json, found "�\x1b"`},
		{text: ok, env: []string{"HERALD_BROKER="}, want: "HERALD_BROKER: broker: the URL is empty; " + write},
		{
			text: ok, env: []string{"HERALD_BROKER=hunter2"},
			want: "HERALD_BROKER: broker: expected a URL that begins with a scheme and ://; " + write,
		},
		{
			text: ok, env: []string{"HERALD_GROUPS__G__T__RETRY__QUICK=0s, soon"},
			want: "HERALD_GROUPS__G__T__RETRY__QUICK: groups.g.t.retry.quick: expected a duration between 0s and 1m0s, such as 500ms, found soon",
		},
		{text: "broker: memory://\nform: xml\nx: 1", env: []string{"HERALD_A=1", "HERALD_B=1", "HERALD_FORM=json"}, want: "f:2: form: expected binary, json, cloudevents or cloudevents-json, found xml\n" +
			"f:3: x: unknown key, " + tops + "\n" +
			"HERALD_A: unknown variable: variables that begin with HERALD_ are the keys in capitals, with __ between levels\n" +
			"HERALD_B: unknown variable: variables that begin with HERALD_ are the keys in capitals, with __ between levels"},
	}
}

func TestEveryErrorSaysWhereAndWhatWasExpected(t *testing.T) {
	t.Parallel()
	for _, w := range append(wrongTexts(), wrongVariables()...) {
		c, err := config.Loader{Environ: append([]string{}, w.env...)}.Parse("f", []byte(w.file()))
		if c != nil || err == nil {
			t.Errorf("%s\nis taken: %v", w.file(), c)
			continue
		}
		if err.Error() != w.want {
			t.Errorf("%s %q\n got %s\nwant %s", w.file(), w.env, err, w.want)
		}
		if !errors.Is(err, messaging.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: not ErrInvalid, or a secret", err)
		}
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	large := []byte("broker: memory://\n# " + strings.Repeat("x", 1<<20))
	const want = "f: larger than 1048576 bytes"
	if _, err := hermetic.Parse("f", large); err == nil || err.Error() != want {
		t.Errorf("parsing: %v, want %s", err, want)
	}
	loader := hermetic
	loader.FS = fstest.MapFS{"f": {Data: large}}
	if _, err := loader.Load("f"); err == nil || err.Error() != want {
		t.Errorf("loading: %v, want %s", err, want)
	}
}

func TestAliasesThatMultiplyAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("broker: memory://\nx-groups: &groups [" + strings.Repeat("g, ", 1000) + "g]\ntopics:\n")
	for i := range 200 {
		fmt.Fprintf(&b, "  t%d: {groups: *groups}\n", i)
	}
	_, err := hermetic.Parse("f", []byte(b.String()))
	const want = "f:2: topics.t99.groups: more than 100000 values"
	if err == nil || err.Error() != want {
		t.Errorf("got %.200v, want %s", err, want)
	}
	b.Reset()
	b.WriteString("broker: memory://\ntopics: &topics\n  <<: [*topics, *topics]\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "  t%d: {}\n", i)
	}
	_, err = hermetic.Parse("f", []byte(b.String()))
	if err == nil || !strings.Contains(err.Error(), "more than 100000 values") {
		t.Errorf("got %.200v", err)
	}
}

func TestAnErrorIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&b, "k%d:\n", i)
	}
	_, err := hermetic.Parse("f", []byte(b.String()))
	if err == nil || strings.Count(err.Error(), "\n") != 100 || !strings.HasSuffix(err.Error(), "\nand 59901 more") {
		t.Errorf("got %.300v", err)
	}
}

func TestAMissingFileIsAnErrorThatWrapsTheFileSystems(t *testing.T) {
	t.Parallel()
	_, err := hermetic.Load("testdata/none.yaml")
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "testdata/none.yaml: no such file or directory" {
		t.Errorf("got %v", err)
	}
	var typed *config.Error
	if !errors.As(err, &typed) || typed.Source != "testdata/none.yaml" || typed.Line != 0 || typed.Key != "" {
		t.Errorf("got %#v", typed)
	}
	if _, err = config.LoadFS(fstest.MapFS{}, "a.yaml"); err == nil || err.Error() != "a.yaml: file does not exist" {
		t.Errorf("got %v", err)
	}
}
