"""What limits have to say: at a share of one, when it is used up, when it is free again, and bills above their reserve."""
