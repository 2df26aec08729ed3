//! Tests of the tests of policies: what they show, and that what must fail does.
