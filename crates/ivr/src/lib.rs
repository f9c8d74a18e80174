//! The script language of menus, its checker and its interpreter.
