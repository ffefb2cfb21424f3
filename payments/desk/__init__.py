"""The money desks: pages for staff under /admin/desk/money/, each in a module named for its subject."""
