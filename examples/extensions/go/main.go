// An external extension on the Telemetry API, over TCP: counts what its environment says.
//
//	CGO_ENABLED=0 go build -o extensions/witness .
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const wait = time.Minute // for news of one invocation; its timeout counts, too

var (
	api  = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API")
	base = api + "/2020-01-01/extension"
	name = filepath.Base(os.Args[0]) // of an external extension: its file's
)

// Witness counts the function's lines, and knows which invocations the runtime is done with.
type Witness struct {
	lock  sync.Mutex
	lines int
	done  chan string
}

func (w *Witness) take(connection net.Conn) {
	events := bufio.NewScanner(connection) // one to a line
	events.Buffer(nil, 2<<20)
	for events.Scan() {
		var event struct {
			Type   string          `json:"type"`
			Record json.RawMessage `json:"record"`
		}
		if json.Unmarshal(events.Bytes(), &event) != nil {
			continue
		}
		switch event.Type {
		case "function":
			w.lock.Lock()
			w.lines++
			w.lock.Unlock()
		case "platform.runtimeDone":
			var record struct {
				RequestID string `json:"requestId"`
			}
			if json.Unmarshal(event.Record, &record) == nil {
				w.done <- record.RequestID
			}
		}
	}
}

func (w *Witness) untilDone(requestID string) {
	patience := time.After(wait)
	for {
		select {
		case id := <-w.done:
			if id == requestID {
				return
			}
		case <-patience:
			return
		}
	}
}

// ask has no time limit: the answer to event/next may take hours, and we are frozen meanwhile.
func ask(method, url string, body any, headers map[string]string) ([]byte, http.Header, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, url, content)
	if err != nil {
		return nil, nil, err
	}
	for key, value := range headers {
		request.Header.Set(key, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 400 {
		err = fmt.Errorf("%s: %d %s", url, answer.StatusCode, text)
	}
	return text, answer.Header, err
}

func subscribe(me map[string]string, port int) error {
	types := os.Getenv("WITNESS_TYPES")
	if types == "" {
		types = "platform,function,extension"
	}
	_, _, err := ask("PUT", api+"/2022-07-01/telemetry", map[string]any{
		"schemaVersion": "2022-12-13",
		"types":         strings.Split(types, ","),
		"buffering":     map[string]int{"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
		"destination":   map[string]any{"protocol": "TCP", "port": port},
	}, me)
	return err
}

func run() error {
	registered, headers, err := ask("POST", base+"/register",
		map[string]any{"events": []string{"INVOKE", "SHUTDOWN"}},
		map[string]string{
			"Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId",
		})
	if err != nil {
		return err
	}
	me := map[string]string{"Lambda-Extension-Identifier": headers.Get("Lambda-Extension-Identifier")}
	var function struct {
		AccountID string `json:"accountId"`
	}
	if err := json.Unmarshal(registered, &function); err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	witness := &Witness{done: make(chan string, 1000)}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go witness.take(connection)
		}
	}()
	if err := subscribe(me, listener.Addr().(*net.TCPAddr).Port); err != nil {
		me["Lambda-Extension-Function-Error-Type"] = "Extension.ConfigInvalid"
		_, _, _ = ask("POST", base+"/init/error", map[string]string{"errorMessage": err.Error()}, me)
		return err
	}
	for invocations := 0; ; invocations++ {
		text, _, err := ask("GET", base+"/event/next", nil, me)
		if err != nil {
			return err
		}
		var event struct{ EventType, RequestID, ShutdownReason string } // names in any case
		if err := json.Unmarshal(text, &event); err != nil {
			return err
		}
		if event.EventType == "SHUTDOWN" {
			witness.lock.Lock()
			fmt.Printf("%s of %s: %d invocations, %d lines, %s\n",
				name, function.AccountID, invocations, witness.lines, event.ShutdownReason)
			return nil
		}
		witness.untilDone(event.RequestID)
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		os.Exit(1)
	}
}
