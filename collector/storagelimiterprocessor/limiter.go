package storagelimiterprocessor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"
)

const (
	// What a request takes of the disk for each of its bytes, at most: up to four queues take it, and
	// each writes anew, beside it, what shares a page with it.
	spread = 8
	// For how long nothing has to have been refused until it is said to be over: near the limit,
	// small requests pass and large ones don't.
	calm = 10 * time.Second
)

// Not a permanent error: to the receiver it means 503, or UNAVAILABLE.
var errNoRoom = errors.New("there is no room on disk, come again: the reserve is all that is free where the queues are")

// limiter decides for all pipelines it is in.
type limiter struct {
	config Config
	logger *zap.Logger
	forget func()
	free   func() (int64, error)
	now    func() time.Time
	report *report

	mu sync.Mutex
	// In how many pipelines it has started.
	users int
	// What those requests may yet write that are on their way to the queues.
	passing int64
	// Whether it was said that it refuses, when it last did, and whether it was said that it can't
	// tell.
	refusing bool
	refused  time.Time
	blind    bool
}

func newLimiter(config Config, set processor.Settings, forget func()) *limiter {
	it := &limiter{config: config, logger: set.Logger, forget: forget, now: time.Now}
	it.free = func() (int64, error) {
		usage, err := disk.Usage(config.Directory)
		if err != nil {
			return 0, err
		}
		return int64(min(usage.Free, math.MaxInt64)), nil
	}
	it.report = &report{set: set, limiter: it}
	return it
}

// Start implements component.Component.
func (l *limiter) Start(context.Context, component.Host) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users++
	if l.users > 1 {
		return nil
	}
	free, err := l.free()
	if err != nil {
		return fmt.Errorf("how much room there is in %s can't be told: %w", l.config.Directory, err)
	}
	if free < l.config.reserve() {
		l.logger.Warn("There is less room on disk than the reserve: everything will be refused until there is more",
			l.state(free)...)
	}
	return l.report.start()
}

// Shutdown implements component.Component.
func (l *limiter) Shutdown(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users--
	if l.users != 0 {
		return nil
	}
	l.forget()
	return l.report.stop()
}

// admit takes the room that a request of this size may need, until done is called, or says that
// there is none. Asking the system costs a microsecond: it is asked each time, and nothing that many
// requests write at once goes beyond what each was told.
func (l *limiter) admit(size int) (done func(), err error) {
	wanted := int64(size) * spread
	l.mu.Lock()
	defer l.mu.Unlock()
	free, err := l.free()
	if err != nil {
		if !l.blind {
			l.logger.Error("How much room there is on disk can't be told: nothing is refused for it", zap.Error(err))
		}
		l.blind = true
	} else if l.blind = false; free-l.passing-wanted < l.config.reserve() {
		l.refused = l.now()
		if !l.refusing {
			l.refusing = true
			l.logger.Warn("Refusing telemetry, there is no room on disk. Senders are told to come again", l.state(free)...)
		}
		return nil, errNoRoom
	} else if l.refusing && l.now().Sub(l.refused) >= calm {
		l.refusing = false
		l.logger.Info("There is room on disk, telemetry is taken again", l.state(free)...)
	}
	l.passing += wanted
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.passing -= wanted
	}, nil
}

func (l *limiter) state(free int64) []zap.Field {
	return []zap.Field{
		zap.String("directory", l.config.Directory),
		zap.Int64("free_mib", free/mebibyte),
		zap.Uint32("reserve_mib", l.config.ReserveMiB),
	}
}
