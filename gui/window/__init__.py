"""The window: runs at the left, tabs at the right, menus, keys, export."""
