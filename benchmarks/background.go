package benchmarks

import (
	"context"
	"time"
)

// setupLimit is how long anything that is not measured may take.
const setupLimit = time.Minute

// background is the context of what is done before or between measurements.
func background() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), setupLimit)
}
