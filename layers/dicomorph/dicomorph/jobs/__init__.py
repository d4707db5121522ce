"""Jobs: their record and its states, how their work is cut, their documents. All of it is pure."""
