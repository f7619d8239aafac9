package deltaprocessor

import (
	"math"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const (
	// A collection of a sender's metrics has one time, or nearly; it may come in several batches.
	oneCollection = pcommon.Timestamp(time.Second)
	// Who is new reports for the first time soon. Who reports later was heard of by another
	// collector before, and what it counted until then may have been handed on there.
	soon = pcommon.Timestamp(10 * time.Minute)
)

// changes is what a batch makes of one sender's series.
type changes struct {
	sender *sender
	now    time.Time
	seen   period
	first  pcommon.Timestamp
	points map[string]point
}

// period is from when on nothing new was missed, and when the processor was not there to hear it.
type period struct{ from, downFrom, downTo pcommon.Timestamp }

// hasBeginningOf says whether the series began while it was watched, so that all of it is new.
func (s period) hasBeginningOf(p point) bool {
	whileDown := p.Start >= s.downFrom && p.Start <= s.downTo
	return p.Start >= s.from && (whileDown || p.Time-p.Start <= soon)
}

// verdict is what becomes of a point.
type verdict int

const (
	// left out: it is known already, or where counting begins.
	dropped verdict = iota
	// what it grew by since the last one.
	grown
	// as it is: the series began after the last one, or after counting began.
	anew
)

// convert makes deltas of a metric's cumulative points; true where none is left.
func (c *changes) convert(scope pcommon.InstrumentationScope, metric pmetric.Metric) bool {
	name := scope.Name() + "\x00" + scope.Version() + "\x00" + metric.Name() + "\x00" + metric.Unit()
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		sum := metric.Sum()
		// Levels have no growth to lose.
		if !sum.IsMonotonic() || sum.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return false
		}
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		sum.DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool {
			now := sumPoint(p)
			if p.Flags().NoRecordedValue() || math.IsNaN(now.Double) {
				return true
			}
			return c.settle("sum"+name, p.Attributes(), now, p.SetStartTimestamp,
				func(last point) bool { return sinceSum(p, now, last) })
		})
		return sum.DataPoints().Len() == 0
	case pmetric.MetricTypeHistogram:
		histogram := metric.Histogram()
		if histogram.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return false
		}
		histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		histogram.DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool {
			now := histogramPoint(p)
			if p.Flags().NoRecordedValue() {
				return true
			}
			// Of the growth alone they are not known, so that they would be there now and then.
			p.RemoveMin()
			p.RemoveMax()
			return c.settle("histogram"+name, p.Attributes(), now, p.SetStartTimestamp,
				func(last point) bool { return sinceHistogram(p, now, last) })
		})
		return histogram.DataPoints().Len() == 0
	case pmetric.MetricTypeExponentialHistogram:
		histogram := metric.ExponentialHistogram()
		if histogram.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return false
		}
		histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		histogram.DataPoints().RemoveIf(func(p pmetric.ExponentialHistogramDataPoint) bool {
			now := exponentialPoint(p)
			if p.Flags().NoRecordedValue() {
				return true
			}
			p.RemoveMin()
			p.RemoveMax()
			return c.settle("exponential"+name, p.Attributes(), now, p.SetStartTimestamp,
				func(last point) bool { return sinceExponential(p, now, last) })
		})
		return histogram.DataPoints().Len() == 0
	}
	return false
}

// hear notes from when on the sender is watched, by a metric that is another processor's to convert.
func (c *changes) hear(metric pmetric.Metric) {
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		for _, p := range metric.Sum().DataPoints().All() {
			c.heard(p.Timestamp())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range metric.Histogram().DataPoints().All() {
			c.heard(p.Timestamp())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range metric.ExponentialHistogram().DataPoints().All() {
			c.heard(p.Timestamp())
		}
	}
}

func (c *changes) heard(at pcommon.Timestamp) {
	if c.first == 0 || at < c.first {
		c.first = at
	}
}

// settle decides on a point, has it changed accordingly and notes it; true where it is left out.
//
// When it began is a part of what a series is: a process that begins anew has others, and two that
// don't say which is which are still told apart.
func (c *changes) settle(
	name string, attributes pcommon.Map, now point,
	setStart func(pcommon.Timestamp), subtract func(last point) bool,
) bool {
	c.heard(now.Time)
	series := identity(name+"\x00"+strconv.FormatUint(uint64(now.Start), 36), attributes)
	last, known := c.points[series]
	if !known {
		last, known = c.sender.Series[series]
	}
	what := c.verdict(now, last, known)
	if what == dropped && known {
		return true
	}
	now.Heard = c.now
	c.points[series] = now
	switch what {
	case dropped:
		return true
	case grown:
		// Where it fell it began anew, without saying when.
		subtract(last)
		setStart(last.Time)
	case anew:
	}
	return false
}

func (c *changes) verdict(now, last point, known bool) verdict {
	switch {
	case known && now.Time <= last.Time:
		return dropped // once more, or late: a later one counted it
	case known:
		return grown
	case c.seen.hasBeginningOf(now):
		return anew
	case c.sender.First != 0 && now.Time > c.sender.First+oneCollection:
		return anew // in a sender that was watched before the series was
	default:
		return dropped // it counted before anyone looked
	}
}
