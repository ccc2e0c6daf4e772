"""What runs circuits, behind the `Executor` port."""
