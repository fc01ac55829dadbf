// One function with a part per case, on AWS's own Go client. The event's "do" chooses.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do    string          `json:"do"`
	Value json.RawMessage `json:"value"`
	Data  string          `json:"data"`
	Size  int             `json:"size"`
}

var count int

func handle(ctx context.Context, e event) (any, error) {
	fmt.Println("asked to", e.Do)
	switch e.Do {
	case "echo":
		return e.Value, nil
	case "count":
		count++
		return count, nil
	case "bench":
		count++
		return map[string]any{"count": count, "data": e.Data}, nil
	case "error":
		return nil, errors.New("not today")
	case "panic":
		panic("out of luck")
	case "exit":
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Hour)
	case "length":
		return len(e.Data), nil
	case "large":
		return strings.Repeat("x", e.Size), nil
	case "context":
		return describe(ctx), nil
	case "stream", "stream-breaks", "stream-stalls":
		return stream(e.Do), nil
	}
	return nil, fmt.Errorf("unknown: %s", e.Do)
}

func describe(ctx context.Context) map[string]any {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"request_id":   lc.AwsRequestID,
		"arn":          lc.InvokedFunctionArn,
		"trace":        os.Getenv("_X_AMZN_TRACE_ID"),
		"remaining_ms": time.Until(deadline).Milliseconds(),
		"app_title":    lc.ClientContext.Client.AppTitle,
		"custom":       lc.ClientContext.Custom,
		"function":     lambdacontext.FunctionName,
		"memory_mb":    lambdacontext.MemoryLimitInMB,
	}
}

func stream(how string) io.Reader {
	from, to := io.Pipe()
	go func() {
		for n := range 3 {
			fmt.Fprintf(to, "part %d\n", n)
		}
		if how == "stream-breaks" {
			to.CloseWithError(errors.New("broke off"))
		}
		if how == "stream-stalls" {
			time.Sleep(time.Hour)
		}
		to.Close()
	}()
	return from
}

func main() {
	if os.Getenv("INIT") == "exit" {
		os.Exit(7)
	}
	lambda.Start(handle)
}
