package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onlyMemory stands for a tree with one adapter.
func onlyMemory(broker string) bool { return broker == "memory" }

func record(t *testing.T, stream string) (string, *report) {
	t.Helper()
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	r.summary(onlyMemory, []string{conformance})
	return out.String(), r
}

func TestReport_PrintsAPackageALineAndTheOutputOfFailuresAlone(t *testing.T) {
	t.Parallel()
	got, _ := record(t, `{"Action":"output","Package":"p","Test":"TestGood","Output":"hidden\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    p_test.go:3: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"output","Package":"p","Output":"-test.shuffle 1\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.2s\n"}
{"Action":"pass","Package":"q"}
{"Action":"output","Package":"r","Output":"?   \tr\t[no test files]\n"}
{"Action":"skip","Package":"r"}
{"ImportPath":"s","Action":"build-output","Output":"s.go:1: syntax error\n"}
not an event
`)
	want := "    p_test.go:3: wrong\nFAIL\tp\t0.1s\n-test.shuffle 1\nok  \tq\t0.2s\ns.go:1: syntax error\nnot an event\n" +
		"tests: 1 FAILED, 1 passed; packages without tests: 1\n" +
		"drivertest: memory — no test says that it ran; rabbitmq, kafka, redis — no adapter yet, not run\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummary_SaysWhichSuiteRanOnWhichBroker(t *testing.T) {
	t.Parallel()
	got, _ := record(t, `{"Action":"attr","Package":"p","Test":"TestDriver","Key":"suite","Value":"drivertest"}
{"Action":"attr","Package":"p","Test":"TestDriver","Key":"broker","Value":"memory"}
{"Action":"attr","Package":"p","Test":"TestDriver","Key":"not-run","Value":"3"}
{"Action":"pass","Package":"p","Test":"TestDriver/publish/keeps_order"}
{"Action":"pass","Package":"p","Test":"TestDriver/publish"}
{"Action":"skip","Package":"p","Test":"TestDriver/history"}
{"Action":"pass","Package":"p","Test":"TestDriver"}
{"Action":"pass","Package":"p","Test":"TestOther"}
{"Action":"attr","Package":"i","Test":"TestChaos","Key":"suite","Value":"chaos"}
{"Action":"attr","Package":"i","Test":"TestChaos/nats","Key":"broker","Value":"nats"}
{"Action":"fail","Package":"i","Test":"TestChaos/nats"}
{"Action":"fail","Package":"i","Test":"TestChaos"}
`)
	want := "tests: 1 FAILED, 2 passed, 1 skipped; packages without tests: 0\n" +
		"chaos: nats — ran, 1 FAILED, 0 passed\n" +
		"drivertest: memory — ran in process, 1 passed, 1 skipped, 3 not run; rabbitmq, kafka, redis — no adapter yet, not run\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummary_SaysVersionsOriginsAndWhyABrokerWasNotThere(t *testing.T) {
	t.Parallel()
	attrs := func(pkg, test string, pairs ...string) string {
		var b strings.Builder
		for i := 0; i < len(pairs); i += 2 {
			fmt.Fprintf(&b, `{"Action":"attr","Package":%q,"Test":%q,"Key":%q,"Value":%q}`+"\n", pkg, test, pairs[i], pairs[i+1])
		}
		return b.String()
	}
	ended := func(action, pkg, test string) string {
		return fmt.Sprintf(`{"Action":%q,"Package":%q,"Test":%q}`+"\n", action, pkg, test)
	}
	const contract, faults = "x.org/m/integration/conformance", "x.org/m/integration/faults/redis"
	got, r := record(t, attrs(contract, "TestRedis", "broker", "redis", "version", "8.0.2", "origin", "docker")+
		ended("pass", contract, "TestRedis/contract/a")+ended("pass", contract, "TestRedis/contract")+ended("pass", contract, "TestRedis")+
		attrs(contract, "TestValkey", "broker", "redis", "version", "valkey 8.1.1", "origin", "local", "not-run", "2")+
		ended("pass", contract, "TestValkey")+
		attrs(contract, "TestKafka", "broker", "kafka", "why", "docker: no engine; local: no Java")+ended("skip", contract, "TestKafka")+
		attrs(faults, "TestKill", "broker", "redis", "version", "8.0.2", "origin", "docker")+ended("fail", faults, "TestKill"))
	want := "tests: 1 FAILED, 2 passed, 1 skipped; packages without tests: 0\n" +
		"drivertest: kafka — not run: docker: no engine; local: no Java; redis 8.0.2 (docker) — ran, 1 passed; " +
		"redis valkey 8.1.1 (local) — ran, 1 passed, 2 not run; memory — no test says that it ran; rabbitmq — no adapter yet, not run\n" +
		"faults: redis 8.0.2 (docker) — ran, 1 FAILED, 0 passed\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := r.missing([]string{"redis", "valkey"}); err != nil {
		t.Errorf("what ran is missing: %v", err)
	}
	if err := r.missing([]string{"redis", "kafka"}); err == nil || err.Error() != "kafka is required by HERALD_TEST_REQUIRE, and drivertest did not run on it" {
		t.Errorf("what did not run is not missing: %v", err)
	}
}

func TestSummary_SaysWhatTheDemoFound(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := newReport(&out)
	r.demos[place{broker: "memory"}] = "All 69,659 orders were handled. 6 s in all."
	r.demos[place{broker: "redis", version: "8.0.2", origin: "docker"}] = "FAILED after 12 s"
	r.demos[place{broker: "kafka", why: "docker: no engine"}] = ""
	r.summary(onlyMemory, []string{conformance, demo})
	want := "demo: memory — All 69,659 orders were handled. 6 s in all.; kafka — not run: docker: no engine; redis 8.0.2 (docker) — FAILED after 12 s; " +
		"rabbitmq — no adapter yet, not run\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant it to end with\n%s", &out, want)
	}
}

// write makes a module with one test file and returns its folder.
func write(t *testing.T, body string) string {
	t.Helper()
	dir := t.TempDir()
	test := fmt.Sprintf("package p\n\nimport \"testing\"\n\nfunc TestSuite(t *testing.T) {\n%s\n}\n", body)
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.25.0\n", "p_test.go": test} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTestModule_ReadsTheAttributesOfARealRun(t *testing.T) {
	t.Parallel()
	dir := write(t, "t.Attr(\"suite\", \"drivertest\")\nt.Attr(\"broker\", \"memory\")\nt.Run(\"a\", func(t *testing.T) {})")
	var out strings.Builder
	r := newReport(&out)
	if err := testModule(t.Context(), packages{dir, []string{"./..."}, false}, []string{"test", "-json"}, nil, r); err != nil {
		t.Fatal(err)
	}
	r.summary(onlyMemory, []string{conformance})
	if want := "drivertest: memory — ran in process, 1 passed; "; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwant %q in it", &out, want)
	}
}

func TestTestModule_AFailureIsAnError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`t.Error("wrong")`, `panic("wrong")`, "wrong"} {
		var out strings.Builder
		work := packages{write(t, body), []string{"./..."}, false}
		err := testModule(t.Context(), work, []string{"test", "-json"}, nil, newReport(&out))
		if err == nil || !strings.Contains(out.String(), "wrong") {
			t.Errorf("%s: got %v and\n%s\nwant an error and the reason printed", body, err, &out)
		}
	}
}
