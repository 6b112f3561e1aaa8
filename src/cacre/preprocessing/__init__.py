"""From text and triple to arrays, without torch: tokens, roles, windows, string evidence."""
