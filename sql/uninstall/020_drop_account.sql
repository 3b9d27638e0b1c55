-- Drop the locked account that integrity triggers ran as, once none is left.
-- kind: destroy
-- needs: CREATE USER
-- locks: nothing of the shop's
-- names: definer
DROP USER IF EXISTS {definer}
