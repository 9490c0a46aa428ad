"""To patients: reminders by SMS and letters to 1177, over HTTP as JSON, each with the message's own id as key."""
