// A bootstrap of its own that says on what it runs, and tries what no function may.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

func machine() string {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, character := range name.Machine {
		if character == 0 {
			break
		}
		text.WriteByte(byte(character))
	}
	return text.String()
}

// Many threads at once, each in the kernel: an emulator has to make them all.
func sum(threads int) int {
	var all sync.WaitGroup
	var lock sync.Mutex
	total := 0
	for number := range threads {
		all.Add(1)
		go func() {
			defer all.Done()
			runtime.LockOSThread()
			name := fmt.Sprintf("/tmp/%d", number)
			if os.WriteFile(name, []byte{byte(number)}, 0o600) == nil {
				lock.Lock()
				total += number
				lock.Unlock()
			}
		}()
	}
	all.Wait()
	return total
}

func refusals() map[string]string {
	said := func(err error) string { return fmt.Sprint(err) }
	_, reading := os.ReadFile("/proc/sys/kernel/core_pattern")
	_, _, tracing := syscall.RawSyscall6(syscall.SYS_PTRACE, 16, 1, 0, 0, 0, 0)
	_, _, asking := syscall.RawSyscall(syscall.SYS_BPF, 0, 0, 0)
	return map[string]string{
		"mount":   said(syscall.Mount("none", "/tmp", "tmpfs", 0, "")),
		"unshare": said(syscall.Unshare(syscall.CLONE_NEWUSER)),
		"ptrace":  said(tracing),
		"bpf":     said(asking),
		"writing": said(os.WriteFile("/var/task/x", nil, 0o600)),
		"reading": said(reading),
	}
}

var kept [][]byte

func fill(megabytes int) int {
	for range megabytes {
		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
	}
	return len(kept)
}

func handle(event map[string]int) any {
	if megabytes := event["megabytes"]; megabytes > 0 {
		return fill(megabytes)
	}
	if event["seconds"] > 0 {
		time.Sleep(time.Duration(event["seconds"]) * time.Second)
	}
	if event["refusals"] > 0 {
		return refusals()
	}
	return map[string]any{"arch": runtime.GOARCH, "machine": machine(), "sum": sum(event["threads"])}
}

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(next.Body)
		next.Body.Close()
		var event map[string]int
		_ = json.Unmarshal(body, &event)
		answer, _ := json.Marshal(handle(event))
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		posted, err := http.Post(base+id+"/response", "application/json", bytes.NewReader(answer))
		if err != nil {
			panic(err)
		}
		posted.Body.Close()
	}
}
