"""The outage drill: a numbered load through a real collector while its backends fail, and a count after."""
