"""The workbench: the page served on this machine, where a wrong grid is put right.

server       addresses and answers (Starlette), and what every request has to meet (guard)
state        the library as the page sees it: rows, edits, the jobs that renew records
audio        sound as it is and decoded, pictures of it
connections  how many may be open, and for how long
"""
