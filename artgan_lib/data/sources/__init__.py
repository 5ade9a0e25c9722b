"""Collections of paintings: what they have in common (`base`), one module a form, and the switch that opens one."""
