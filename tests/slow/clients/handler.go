package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Mode string `json:"mode"`
	Text string `json:"text"`
}

var count = 0

func handle(_ context.Context, e event) (any, error) {
	count++
	switch e.Mode {
	case "fail":
		return nil, errors.New("handled")
	case "crash":
		os.Exit(3)
	case "sleep":
		time.Sleep(time.Hour)
	}
	return map[string]any{"count": count, "text": e.Text}, nil
}

func main() { lambda.Start(handle) }
