"""Other tools: networks and logs in their formats, and their files in ours."""
