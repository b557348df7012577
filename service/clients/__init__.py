"""What shops put into their own pages and programs to talk to the service: a script for browsers, a file for Python."""
