package deltaprocessor

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// point is the last one of a series that was handed on. Its fields are those that its kind has.
type point struct {
	Start, Time pcommon.Timestamp
	// When it came.
	Heard time.Time
	// A sum, whole or not.
	Whole  int64
	Double float64
	IsInt  bool
	// A histogram.
	Count  uint64
	Sum    float64
	Bounds []float64
	Counts []uint64
	// An exponential histogram.
	Scale              int32
	Zeros              uint64
	Threshold          float64
	Positive, Negative buckets
}

// buckets are one side of an exponential histogram.
type buckets struct {
	Offset int32
	Counts []uint64
}

func sumPoint(p pmetric.NumberDataPoint) point {
	it := point{Start: p.StartTimestamp(), Time: p.Timestamp()}
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		it.IsInt, it.Whole = true, p.IntValue()
		it.Double = float64(it.Whole)
	} else {
		it.Double = p.DoubleValue()
	}
	return it
}

func histogramPoint(p pmetric.HistogramDataPoint) point {
	return point{
		Start: p.StartTimestamp(), Time: p.Timestamp(), Count: p.Count(), Sum: p.Sum(),
		Bounds: p.ExplicitBounds().AsRaw(), Counts: p.BucketCounts().AsRaw(),
	}
}

func exponentialPoint(p pmetric.ExponentialHistogramDataPoint) point {
	side := func(b pmetric.ExponentialHistogramDataPointBuckets) buckets {
		return buckets{b.Offset(), b.BucketCounts().AsRaw()}
	}
	return point{
		Start: p.StartTimestamp(), Time: p.Timestamp(), Count: p.Count(), Sum: p.Sum(),
		Scale: p.Scale(), Zeros: p.ZeroCount(), Threshold: p.ZeroThreshold(),
		Positive: side(p.Positive()), Negative: side(p.Negative()),
	}
}

// sinceSum makes the point what it grew by; false where it began anew instead.
func sinceSum(p pmetric.NumberDataPoint, now, last point) bool {
	switch {
	case now.Double < last.Double:
		return false
	case now.IsInt && last.IsInt:
		p.SetIntValue(now.Whole - last.Whole)
	default:
		p.SetDoubleValue(now.Double - last.Double)
	}
	return true
}

// sinceHistogram is sinceSum for a histogram.
func sinceHistogram(p pmetric.HistogramDataPoint, now, last point) bool {
	if now.Count < last.Count || !slices.Equal(now.Bounds, last.Bounds) || len(now.Counts) != len(last.Counts) {
		return false
	}
	counts := slices.Clone(now.Counts)
	for i, before := range last.Counts {
		if counts[i] < before {
			return false
		}
		counts[i] -= before
	}
	p.SetCount(now.Count - last.Count)
	p.BucketCounts().FromRaw(counts)
	if p.HasSum() {
		p.SetSum(now.Sum - last.Sum)
	}
	return true
}

// sinceExponential is sinceSum for an exponential histogram.
func sinceExponential(p pmetric.ExponentialHistogramDataPoint, now, last point) bool {
	if now.Count < last.Count || now.Zeros < last.Zeros || now.Scale > last.Scale || now.Threshold != last.Threshold {
		return false
	}
	coarser := last.Scale - now.Scale
	positive, fits := now.Positive.less(last.Positive.coarsened(coarser))
	negative, fitsToo := now.Negative.less(last.Negative.coarsened(coarser))
	if !fits || !fitsToo {
		return false
	}
	p.SetCount(now.Count - last.Count)
	p.SetZeroCount(now.Zeros - last.Zeros)
	p.Positive().BucketCounts().FromRaw(positive)
	p.Negative().BucketCounts().FromRaw(negative)
	if p.HasSum() {
		p.SetSum(now.Sum - last.Sum)
	}
	return true
}

// less are the counts of these buckets less those of others of the same width.
func (b buckets) less(other buckets) ([]uint64, bool) {
	counts := slices.Clone(b.Counts)
	for i, before := range other.Counts {
		if before == 0 {
			continue
		}
		at := int64(other.Offset) + int64(i) - int64(b.Offset)
		if at < 0 || at >= int64(len(counts)) || counts[at] < before {
			return nil, false
		}
		counts[at] -= before
	}
	return counts, true
}

// coarsened are these buckets at a scale that is lower by this much.
func (b buckets) coarsened(by int32) buckets {
	if by <= 0 || len(b.Counts) == 0 {
		return b
	}
	by = min(by, 31)
	merged := buckets{Offset: b.Offset >> by}
	last := (b.Offset + int32(len(b.Counts)) - 1) >> by
	merged.Counts = make([]uint64, last-merged.Offset+1)
	for i, count := range b.Counts {
		merged.Counts[((b.Offset+int32(i))>>by)-merged.Offset] += count
	}
	return merged
}
