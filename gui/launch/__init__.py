"""The Launch tab: a form of the configuration, and what is started from it."""
