"""Server-rendered pages for people: words, pictures, tests. README.md says how to add one."""
