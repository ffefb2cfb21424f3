"""Products, prices and stock from a file and into a file.

tables.py and workbook.py read CSV and XLSX from anybody within fixed bounds; fields.py names what a column can be;
mapping.py says which column is what; offers.py (django-import-export) compares each row with the shop; writing.py
writes a chunk at once; job.py does both in the background. desk.py is the bureau's pages, export.py the way out.
"""
