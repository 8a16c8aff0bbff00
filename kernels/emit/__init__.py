"""Printers: a graph or its stages in, readable source text out.  Nothing here runs what it prints."""
