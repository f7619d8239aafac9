package nestinglimiterextension

import (
	"fmt"
	"math"
)

func tooDeep(limit int) error { return fmt.Errorf("values are nested deeper than %d", limit) }

// message is one of OTLP's, of those that have values in them somewhere.
type message int

const (
	none message = iota
	tracesRequest
	resourceSpans
	scopeSpans
	span
	event
	link
	logsRequest
	resourceLogs
	scopeLogs
	logRecord
	metricsRequest
	resourceMetrics
	scopeMetrics
	oneMetric
	numbers
	histograms
	exponentials
	summaries
	number
	histogram
	exponential
	summary
	exemplar
	resource
	scope
	keyValue
	anyValue
	array
	keyValues
	messages
)

// within says which fields of a message are such messages.
var within = [messages]map[uint64]message{
	tracesRequest:   {1: resourceSpans},
	resourceSpans:   {1: resource, 2: scopeSpans},
	scopeSpans:      {1: scope, 2: span},
	span:            {9: keyValue, 11: event, 13: link},
	event:           {3: keyValue},
	link:            {4: keyValue},
	logsRequest:     {1: resourceLogs},
	resourceLogs:    {1: resource, 2: scopeLogs},
	scopeLogs:       {1: scope, 2: logRecord},
	logRecord:       {5: anyValue, 6: keyValue},
	metricsRequest:  {1: resourceMetrics},
	resourceMetrics: {1: resource, 2: scopeMetrics},
	scopeMetrics:    {1: scope, 2: oneMetric},
	oneMetric:       {5: numbers, 7: numbers, 9: histograms, 10: exponentials, 11: summaries, 12: keyValue},
	numbers:         {1: number},
	histograms:      {1: histogram},
	exponentials:    {1: exponential},
	summaries:       {1: summary},
	number:          {7: keyValue, 5: exemplar},
	histogram:       {9: keyValue, 8: exemplar},
	exponential:     {1: keyValue, 11: exemplar},
	summary:         {7: keyValue},
	exemplar:        {7: keyValue},
	resource:        {1: keyValue},
	scope:           {3: keyValue},
	keyValue:        {2: anyValue},
	anyValue:        {5: array, 6: keyValues},
	array:           {1: anyValue},
	keyValues:       {1: keyValue},
}

// nests says of which messages the depth is counted.
func (m message) nests() bool { return m == array || m == keyValues }

// expected is what the next byte is of.
type expected int

const (
	aTag expected = iota
	aNumber
	aLength
)

// scanner follows a request as its bytes come, without recursion, and keeps nothing of it. Where it is
// malformed it stops looking: there the decoder stops too.
type scanner struct {
	limit, depth int
	open         []frame
	at           uint64
	next         expected
	value        uint64
	shift        uint
	field        uint64
	skip         uint64
	malformed    bool
}

// frame is a message that has begun, and where it ends.
type frame struct {
	is  message
	end uint64
}

func newScanner(root message, limit int) *scanner {
	return &scanner{limit: limit, open: []frame{{root, math.MaxUint64}}}
}

// scan looks at the next bytes; an error says that the request is nested too deeply.
func (s *scanner) scan(part []byte) error {
	for len(part) > 0 && !s.malformed {
		if s.skip > 0 {
			n := min(s.skip, uint64(len(part)))
			s.skip -= n
			s.at += n
			part = part[n:]
			continue
		}
		if s.next == aTag && s.shift == 0 {
			s.leave()
		}
		b := part[0]
		part = part[1:]
		s.at++
		s.value |= uint64(b&0x7f) << s.shift
		s.shift += 7
		if b >= 0x80 {
			s.malformed = s.shift >= 70
			continue
		}
		value := s.value
		s.value, s.shift = 0, 0
		if err := s.read(value); err != nil {
			return err
		}
		s.malformed = s.malformed || s.at > s.open[len(s.open)-1].end
	}
	return nil
}

// leave closes the messages that end here.
func (s *scanner) leave() {
	for top := len(s.open) - 1; s.open[top].end == s.at; top-- {
		if s.open[top].is.nests() {
			s.depth--
		}
		s.open = s.open[:top]
	}
}

// read takes a number that is complete.
func (s *scanner) read(value uint64) error {
	what := s.next
	s.next = aTag
	switch what {
	case aNumber:
	case aTag:
		s.field = value >> 3
		switch value & 7 {
		case 0:
			s.next = aNumber
		case 1:
			s.skip = 8
		case 2:
			s.next = aLength
		case 3, 4: // a group: what is in it is taken for fields beside it
		case 5:
			s.skip = 4
		default:
			s.malformed = true
		}
	case aLength:
		top := s.open[len(s.open)-1]
		if s.at > top.end || value > top.end-s.at || value > math.MaxInt32 {
			s.malformed = true
			return nil
		}
		child := within[top.is][s.field]
		if child == none {
			s.skip = value
			return nil
		}
		if child.nests() {
			if s.depth++; s.depth > s.limit {
				return tooDeep(s.limit)
			}
		}
		s.open = append(s.open, frame{child, s.at + value})
	}
	return nil
}

// In JSON a map within another is up to four brackets, and a value is within some of its request's.
const (
	bracketsOfOne     = 4
	bracketsOfRequest = 30
)

// jsonScanner counts the brackets of a request in JSON, as its bytes come.
type jsonScanner struct {
	limit, depth    int
	inText, escaped bool
}

// scan looks at the next bytes; an error says that the request is nested too deeply.
func (s *jsonScanner) scan(part []byte) error {
	for _, b := range part {
		switch {
		case s.escaped:
			s.escaped = false
		case s.inText:
			s.escaped = b == '\\'
			s.inText = b != '"'
		case b == '"':
			s.inText = true
		case b == '{' || b == '[':
			if s.depth++; s.depth > bracketsOfOne*s.limit+bracketsOfRequest {
				return tooDeep(s.limit)
			}
		case b == '}' || b == ']':
			s.depth--
		}
	}
	return nil
}
