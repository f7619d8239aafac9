package deltaprocessor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"
)

const (
	indexKey = "senders"
	aliveKey = "alive"
	// How exactly it is known when a sender was last heard of.
	indexEvery = time.Hour
)

// memory is what was handed on of each sender's series: in memory, and on disk for the next start.
type memory struct {
	client    storage.Client
	retention time.Duration
	logger    *zap.Logger
	senders   map[string]*sender
	index     index
	// When this process began, and when the one before it was last known to be there.
	started, before pcommon.Timestamp
	// When the index was last written with when each was heard of, and whether it lacks one.
	written time.Time
	lacking bool
}

// index is the list of what is on disk, because a storage can't be listed.
type index struct {
	// When this storage began to remember: what started later was seen from its first point on.
	Since pcommon.Timestamp
	Seen  map[string]time.Time
}

// sender is one resource, which is one process or one host.
type sender struct {
	// The time of its first points.
	First  pcommon.Timestamp
	Series map[string]point
}

func openMemory(ctx context.Context, client storage.Client, retention time.Duration, logger *zap.Logger, now time.Time) (*memory, error) {
	m := &memory{client: client, retention: retention, logger: logger, senders: map[string]*sender{}}
	if err := m.read(ctx, indexKey, &m.index); err != nil {
		return nil, err
	}
	m.started = pcommon.NewTimestampFromTime(now)
	m.before = m.started
	if err := m.read(ctx, aliveKey, &m.before); err != nil {
		return nil, err
	}
	if m.index.Seen == nil {
		m.index.Seen = map[string]time.Time{}
	}
	if m.index.Since == 0 {
		m.index.Since = pcommon.NewTimestampFromTime(now)
	}
	if err := m.forget(ctx, now); err != nil {
		// A full disk is no reason not to start: what is in the queues makes room again.
		m.logger.Error("what is remembered could not be tidied up", zap.Error(err))
	}
	return m, nil
}

func (m *memory) seen(now time.Time) period {
	from := max(m.index.Since, pcommon.NewTimestampFromTime(now.Add(-m.retention)))
	return period{from: from, downFrom: m.before, downTo: m.started}
}

// senderOf is what is remembered of the sender, or an empty one.
func (m *memory) senderOf(ctx context.Context, key string) (*sender, error) {
	if known, found := m.senders[key]; found {
		return known, nil
	}
	it := &sender{Series: map[string]point{}}
	if _, listed := m.index.Seen[key]; listed {
		if err := m.read(ctx, key, it); err != nil {
			return nil, err
		}
	}
	return it, nil
}

// keep remembers what was handed on.
func (m *memory) keep(ctx context.Context, changed map[string]*changes, now time.Time) error {
	var operations []*storage.Operation
	for key, change := range changed {
		it := change.sender
		if len(change.points) == 0 && (it.First != 0 || change.first == 0) {
			continue
		}
		if it.First == 0 {
			it.First = change.first
		}
		maps.Copy(it.Series, change.points)
		m.senders[key] = it
		value, err := encoded(it)
		if err != nil {
			return err
		}
		operations = append(operations, storage.SetOperation(key, value))
		if _, listed := m.index.Seen[key]; !listed {
			m.lacking = true
		}
		m.index.Seen[key] = now
	}
	if len(operations) == 0 {
		return nil
	}
	alive, err := encoded(pcommon.NewTimestampFromTime(now))
	if err != nil {
		return err
	}
	operations = append(operations, storage.SetOperation(aliveKey, alive))
	if m.lacking {
		value, err := encoded(m.index)
		if err != nil {
			return err
		}
		operations = append(operations, storage.SetOperation(indexKey, value))
	}
	if err := m.client.Batch(ctx, operations...); err != nil {
		return err
	}
	m.lacking = false
	if now.Sub(m.written) >= indexEvery {
		return m.forget(ctx, now)
	}
	return nil
}

// forget drops the senders and the series that were not heard of for as long as the retention.
func (m *memory) forget(ctx context.Context, now time.Time) error {
	m.written = now
	var operations []*storage.Operation
	for key, seen := range m.index.Seen {
		if now.Sub(seen) > m.retention {
			delete(m.index.Seen, key)
			delete(m.senders, key)
			operations = append(operations, storage.DeleteOperation(key))
		}
	}
	for _, it := range m.senders {
		maps.DeleteFunc(it.Series, func(_ string, last point) bool { return now.Sub(last.Heard) > m.retention })
	}
	value, err := encoded(m.index)
	if err != nil {
		return err
	}
	return m.client.Batch(ctx, append(operations, storage.SetOperation(indexKey, value))...)
}

func (m *memory) read(ctx context.Context, key string, into any) error {
	value, err := m.client.Get(ctx, key)
	if err != nil || value == nil {
		return err
	}
	if err := gob.NewDecoder(bytes.NewReader(value)).Decode(into); err != nil {
		m.logger.Error("what is remembered can't be read: counting begins anew", zap.Error(err))
	}
	return nil
}

func encoded(value any) ([]byte, error) {
	buffer := &bytes.Buffer{}
	err := gob.NewEncoder(buffer).Encode(value)
	return buffer.Bytes(), err
}

// identity is a short name for a text and a set of attributes in any order.
func identity(text string, attributes pcommon.Map) string {
	hash := sha256.New()
	write := func(part string) { fmt.Fprintf(hash, "%d:%s", len(part), part) }
	write(text)
	type pair struct{ key, value string }
	pairs := make([]pair, 0, attributes.Len())
	for key, value := range attributes.All() {
		pairs = append(pairs, pair{key, value.Type().String() + value.AsString()})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	for _, each := range pairs {
		write(each.key)
		write(each.value)
	}
	return string(hash.Sum(nil)[:16])
}
